#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include <prefopt/core/error.hpp>
#include <prefopt/core/random.hpp>
#include <prefopt/core/stream_purpose.hpp>
#include <prefopt/eval/chat_limits.hpp>
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

inline void validate(const retry_options& options) {
  const auto good = [](double seconds) { return std::isfinite(seconds) && seconds >= 0.0; };
  if (options.tries == 0) throw usage_error("judge: tries is 0; expected at least 1");
  if (!good(options.first_wait) || !good(options.longest_wait) ||
      !good(options.longest_asked_wait)) {
    throw usage_error("judge: a wait is negative or not finite");
  }
}

/// Asks until an answer comes. What may pass is tried again: no reply, a reply that is not an
/// answer, and the statuses 408, 409, 425, 429 and 500 to 599. A pause that the server asks for
/// holds back all threads that use this client. Other statuses are the caller's mistake (a wrong
/// key, model or request), as is a quota that is used up: they throw `chat_error` at once.
class chat_client {
 public:
  chat_client(chat_transport transport, retry_options options)
      : transport_(std::move(transport)), options_(std::move(options)) {
    validate(options_);
  }

  /// The answer to a request's body. Several threads may ask at once.
  chat_answer ask(const std::string& body) {
    std::string problem;
    int status = 0;
    for (std::size_t tried = 0; tried < options_.tries; ++tried) {
      if (tried > 0) {
        const std::lock_guard lock(mutex_);
        ++retries_;
      }
      wait_until_free();
      const http_reply reply = transport_(body);
      status = reply.status;
      const auto pause = asked_pause(reply, unix_time());
      const bool limited = status == 429 || status == 503;
      if (pause && (limited || *pause <= options_.longest_asked_wait)) hold_back(*pause);
      if (status == 200) {
        if (auto answer = parse_chat_reply(reply.body, problem)) return *std::move(answer);
      } else {
        problem = describe(reply);
      }
      if (tried + 1 < options_.tries) wait_for(own_wait(tried));
    }
    throw chat_error(status, "the judge gave no answer in " + std::to_string(options_.tries) +
                                 " tries; the last time: " + problem);
  }

  /// How many requests were sent again.
  [[nodiscard]] std::size_t retries() const {
    const std::lock_guard lock(mutex_);
    return retries_;
  }

 private:
  using clock = std::chrono::steady_clock;

  static double unix_time() {
    return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch())
        .count();
  }

  /// What was wrong; throws where trying again cannot help.
  static std::string describe(const http_reply& reply) {
    if (reply.status == 0) return reply.problem;
    const chat_problem said = parse_chat_problem(reply.body);
    std::string text = "status " + std::to_string(reply.status);
    if (!said.message.empty()) text += ": " + said.message;
    const int s = reply.status;
    const bool passes = s == 408 || s == 409 || s == 425 || s == 429 || (s >= 500 && s <= 599);
    if (!passes || said.code == "insufficient_quota") {
      throw chat_error(s, "the judge's server refuses the request: " + text);
    }
    return text;
  }

  void hold_back(double seconds) {
    if (seconds > options_.longest_asked_wait) {
      throw chat_error(429, "the judge's server asks to wait for " +
                                std::to_string(std::llround(seconds)) + " s; at most " +
                                std::to_string(std::llround(options_.longest_asked_wait)) +
                                " s are waited");
    }
    const auto until = clock::now() + std::chrono::duration_cast<clock::duration>(
                                          std::chrono::duration<double>(seconds));
    const std::lock_guard lock(mutex_);
    not_before_ = std::max(not_before_, until);
  }

  /// first_wait * 2^tried, of which the second half is left to chance, so that threads that failed
  /// together do not come back together.
  double own_wait(std::size_t tried) {
    const double doubled = std::ldexp(
        options_.first_wait, static_cast<int>(std::min<std::size_t>(tried, std::size_t{60})));
    const std::lock_guard lock(mutex_);
    return std::min(doubled, options_.longest_wait) * (0.5 + 0.5 * chance_.uniform());
  }

  void check_stop() const {
    if (options_.stop_asked && options_.stop_asked()) throw chat_stopped();
  }

  void wait_for(double seconds) {
    const auto end = clock::now() + std::chrono::duration_cast<clock::duration>(
                                        std::chrono::duration<double>(seconds));
    for (;;) {
      check_stop();
      const auto now = clock::now();
      if (now >= end) return;
      std::this_thread::sleep_for(std::min<clock::duration>(end - now, step));
    }
  }

  void wait_until_free() {
    for (;;) {
      check_stop();
      clock::time_point free;
      {
        const std::lock_guard lock(mutex_);
        free = not_before_;
      }
      const auto now = clock::now();
      if (now >= free) return;
      std::this_thread::sleep_for(std::min<clock::duration>(free - now, step));
    }
  }

  static constexpr std::chrono::milliseconds step{50};  // between looks for a stop

  chat_transport transport_;
  retry_options options_;
  mutable std::mutex mutex_;  // guards what follows
  clock::time_point not_before_{};
  random_stream chance_ = stream_for(stream_purpose::retries, 0);
  std::size_t retries_ = 0;
};

}  // namespace prefopt
