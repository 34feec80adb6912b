#pragma once

#include <prefopt/eval/chat_client.hpp>

#include <algorithm>
#include <cmath>
#include <thread>
#include <utility>

#include <prefopt/core/config.hpp>
#include <prefopt/eval/chat_limits.hpp>

namespace prefopt {

PREFOPT_INLINE void validate(const retry_options& options) {
  const auto good = [](double seconds) { return std::isfinite(seconds) && seconds >= 0.0; };
  if (options.tries == 0) throw usage_error("judge: tries is 0; expected at least 1");
  if (!good(options.first_wait) || !good(options.longest_wait) ||
      !good(options.longest_asked_wait)) {
    throw usage_error("judge: a wait is negative or not finite");
  }
}

PREFOPT_INLINE chat_client::chat_client(chat_transport transport, retry_options options)
    : transport_(std::move(transport)), options_(std::move(options)) {
  validate(options_);
}

PREFOPT_INLINE chat_answer chat_client::ask(const std::string& body) {
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

PREFOPT_INLINE std::size_t chat_client::retries() const {
  const std::lock_guard lock(mutex_);
  return retries_;
}

PREFOPT_INLINE double chat_client::unix_time() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

PREFOPT_INLINE std::string chat_client::describe(const http_reply& reply) {
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

PREFOPT_INLINE void chat_client::hold_back(double seconds) {
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

PREFOPT_INLINE double chat_client::own_wait(std::size_t tried) {
  const double doubled = std::ldexp(
      options_.first_wait, static_cast<int>(std::min<std::size_t>(tried, std::size_t{60})));
  const std::lock_guard lock(mutex_);
  return std::min(doubled, options_.longest_wait) * (0.5 + 0.5 * chance_.uniform());
}

PREFOPT_INLINE void chat_client::check_stop() const {
  if (options_.stop_asked && options_.stop_asked()) throw chat_stopped();
}

PREFOPT_INLINE void chat_client::wait_for(double seconds) {
  const auto end = clock::now() + std::chrono::duration_cast<clock::duration>(
                                      std::chrono::duration<double>(seconds));
  for (;;) {
    check_stop();
    const auto now = clock::now();
    if (now >= end) return;
    std::this_thread::sleep_for(std::min<clock::duration>(end - now, step));
  }
}

PREFOPT_INLINE void chat_client::wait_until_free() {
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

}  // namespace prefopt
