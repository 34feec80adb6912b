#pragma once

#include <prefopt/eval/chat_http.hpp>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <string_view>
#include <utility>
#include <vector>

#ifdef PREFOPT_HTTPLIB
#include <httplib.h>
#undef _res  // of <resolv.h>, which httplib includes: a macro that breaks Eigen, included after it
#endif

#include <prefopt/core/config.hpp>
#include <prefopt/core/error.hpp>
#include <prefopt/eval/chat_message.hpp>

namespace prefopt {

PREFOPT_INLINE chat_url::chat_url(const std::string& url) {
  const std::size_t scheme = url.starts_with("http://") ? 7 : url.starts_with("https://") ? 8 : 0;
  const std::size_t slash = url.find('/', scheme);
  server = url.substr(0, slash);
  const bool strange = std::any_of(url.begin(), url.end(), [](unsigned char c) {
    return c <= ' ' || c == 0x7F || c == '#' || c == '@';
  });
  if (scheme == 0 || server.size() == scheme || strange) {
    throw usage_error("the judge's URL is '" + url + "'; expected http[s]://host[:port]/path");
  }
  path = slash == std::string::npos ? "" : url.substr(slash);
  while (path.ends_with('/')) path.pop_back();
  constexpr std::string_view end = "/chat/completions";
  if (path.find('?') == std::string::npos && !path.ends_with(end)) path += end;
}

#ifdef PREFOPT_HTTPLIB

namespace detail {

/// Connections that stay open between requests. A client takes one request at a time, so there are
/// as many as there were threads at once.
class chat_connections {
 public:
  explicit chat_connections(chat_endpoint endpoint)
      : endpoint_(std::move(endpoint)), url_(endpoint_.url) {
    if (!(endpoint_.timeout > 0.0 && endpoint_.timeout < 1e6)) {
      throw usage_error("judge: the timeout must be a positive number of seconds");
    }
    const auto& key = endpoint_.key;
    if (std::any_of(key.begin(), key.end(), [](unsigned char c) { return c <= ' ' || c > '~'; })) {
      throw usage_error("judge: the key has a character that no key has (a line break?)");
    }
    connect();  // what is wrong with the address shows now
  }

  http_reply post(const std::string& body) {
    auto client = take();
    http_reply reply = exchange(*client, body);
    const std::lock_guard lock(mutex_);
    if (reply.status != 0) idle_.push_back(std::move(client));  // else it may be broken
    return reply;
  }

 private:
  static constexpr std::size_t longest_reply = std::size_t{16} << 20U;

  std::unique_ptr<httplib::Client> connect() const {
    auto client = std::make_unique<httplib::Client>(url_.server);
    if (!client->is_valid()) throw usage_error("the judge's URL " + url_.server + " is not valid");
    const auto seconds = static_cast<time_t>(std::ceil(endpoint_.timeout));
    const auto exact = std::chrono::microseconds(std::llround(endpoint_.timeout * 1e6));
    client->set_connection_timeout(std::min<time_t>(seconds, 30));
    client->set_read_timeout(exact);
    client->set_write_timeout(exact);
    client->set_tcp_nodelay(true);
    client->set_keep_alive(true);
    client->set_follow_location(false);  // the key goes to this server alone
    if (!endpoint_.certificates.empty()) {
      client->set_ca_cert_path(endpoint_.certificates.string());
    }
    return client;
  }

  std::unique_ptr<httplib::Client> take() {
    {
      const std::lock_guard lock(mutex_);
      if (!idle_.empty()) {
        auto client = std::move(idle_.back());
        idle_.pop_back();
        return client;
      }
    }
    return connect();
  }

  http_reply exchange(httplib::Client& client, const std::string& body) const {
    using clock = std::chrono::steady_clock;
    const auto end = clock::now() + std::chrono::duration<double>(endpoint_.timeout);
    http_reply reply;
    bool too_long = false;
    httplib::Request request;
    request.method = "POST";
    request.path = url_.path;
    request.body = body;
    request.set_header("Content-Type", "application/json");
    request.set_header("Accept", "application/json");
    if (!endpoint_.key.empty()) request.set_header("Authorization", "Bearer " + endpoint_.key);
    request.content_receiver = [&](const char* data, std::size_t size, std::uint64_t,
                                   std::uint64_t) {
      reply.body.append(data, size);
      too_long = reply.body.size() > longest_reply;
      return !too_long && clock::now() < end;
    };
    const auto result = client.send(request);
    if (!result) {
      reply.body.clear();
      reply.problem = too_long ? "its reply is over 16 MiB"
                               : "no whole reply: " + httplib::to_string(result.error());
      return reply;
    }
    for (const auto& [name, value] : result->headers) {
      std::string lower = name;
      for (char& c : lower) {
        c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      }
      reply.headers[lower] = value;
    }
    reply.status = result->status;
    return reply;
  }

  chat_endpoint endpoint_;
  chat_url url_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<httplib::Client>> idle_;
};

}  // namespace detail

PREFOPT_INLINE chat_transport chat_over_http(chat_endpoint endpoint) {
  const auto connections = std::make_shared<detail::chat_connections>(std::move(endpoint));
  return [connections](const std::string& body) {
    try {
      return connections->post(body);
    } catch (const std::exception& problem) {
      http_reply reply;
      reply.problem = problem.what();
      return reply;
    }
  };
}

#else

PREFOPT_INLINE chat_transport chat_over_http(chat_endpoint) {
  throw usage_error(
      "this build has no HTTP client: install cpp-httplib (Debian: libcpp-httplib-dev) "
      "and build again");
}

#endif

}  // namespace prefopt
