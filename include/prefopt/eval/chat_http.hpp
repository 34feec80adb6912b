#pragma once

#include <filesystem>
#include <string>

#include <prefopt/eval/chat_client.hpp>

namespace prefopt {

/// Where a chat model is asked.
struct chat_endpoint {
  /// `http[s]://host[:port]/path`; `/chat/completions` is added to a path that does not end so.
  std::string url;
  std::string key = {};                     ///< sent as a bearer token; empty: none is sent
  double timeout = 120.0;                   ///< seconds for a whole answer
  std::filesystem::path certificates = {};  ///< trusted besides the system's; a PEM file
};

/// An endpoint's URL in the two parts that a client needs. Throws `usage_error`.
struct chat_url {
  std::string server;  ///< "https://host:port"
  std::string path;

  explicit chat_url(const std::string& url);
};

#ifdef PREFOPT_HTTPLIB
/// Asks over HTTP or HTTPS (cpp-httplib; certificates are checked, redirects are not followed).
/// Throws `usage_error` for an address or a key that cannot be. A program that asks over TLS should
/// ignore SIGPIPE, which a server that hangs up may raise.
chat_transport chat_over_http(chat_endpoint endpoint);
#else
/// Built without cpp-httplib (Debian: libcpp-httplib-dev): throws `usage_error` that says so.
chat_transport chat_over_http(chat_endpoint);
#endif

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/eval/chat_http.ipp>
#endif
