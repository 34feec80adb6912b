#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <mutex>
#include <string>

#include <prefopt/core/error.hpp>
#include <prefopt/core/random.hpp>
#include <prefopt/core/stream_purpose.hpp>
#include <prefopt/eval/chat_message.hpp>

namespace prefopt {

/// A chat model that cannot be asked: the server refuses the request, or nothing helped.
class chat_error : public error {
 public:
  chat_error(int status, const std::string& problem) : error(problem), status_(status) {}
  /// The last HTTP status; 0 where no reply came.
  [[nodiscard]] int status() const noexcept { return status_; }

 private:
  int status_;
};

/// Waiting for an answer was ended by `stop_asked`. What was answered before is kept.
class chat_stopped : public error {
 public:
  chat_stopped() : error("the judge was asked to stop") {}
};

/// Sends a request's body to a chat endpoint and gives what came back. It is called by several
/// threads at once, and reports failures in the reply instead of throwing.
using chat_transport = std::function<http_reply(const std::string& body)>;

/// How often a question is asked, and how long is waited in between. Durations in seconds.
struct retry_options {
  std::size_t tries = 6;              ///< of one request, at least 1
  double first_wait = 1.0;            ///< doubled with every try, and half of it left to chance
  double longest_wait = 60.0;         ///< of our own back-off
  double longest_asked_wait = 900.0;  ///< a server that asks for more is given up on
  std::function<bool()> stop_asked = {};
};

void validate(const retry_options& options);

/// Asks until an answer comes. What may pass is tried again: no reply, a reply that is not an
/// answer, and the statuses 408, 409, 425, 429 and 500 to 599. A pause that the server asks for
/// holds back all threads that use this client. Other statuses are the caller's mistake (a wrong
/// key, model or request), as is a quota that is used up: they throw `chat_error` at once.
class chat_client {
 public:
  chat_client(chat_transport transport, retry_options options);

  /// The answer to a request's body. Several threads may ask at once.
  chat_answer ask(const std::string& body);

  /// How many requests were sent again.
  [[nodiscard]] std::size_t retries() const;

 private:
  using clock = std::chrono::steady_clock;

  static double unix_time();

  /// What was wrong; throws where trying again cannot help.
  static std::string describe(const http_reply& reply);

  void hold_back(double seconds);

  /// first_wait * 2^tried, of which the second half is left to chance, so that threads that failed
  /// together do not come back together.
  double own_wait(std::size_t tried);

  void check_stop() const;

  void wait_for(double seconds);

  void wait_until_free();

  static constexpr std::chrono::milliseconds step{50};  // between looks for a stop

  chat_transport transport_;
  retry_options options_;
  mutable std::mutex mutex_;  // guards what follows
  clock::time_point not_before_{};
  random_stream chance_ = stream_for(stream_purpose::retries, 0);
  std::size_t retries_ = 0;
};

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/eval/chat_client.ipp>
#endif
