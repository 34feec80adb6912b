#pragma once

#include <prefopt/eval/chat_judge.hpp>

#include <algorithm>
#include <atomic>
#include <exception>
#include <system_error>
#include <thread>
#include <utility>

#include <prefopt/core/config.hpp>
#include <prefopt/core/error.hpp>

namespace prefopt {

PREFOPT_INLINE chat_judge::chat_judge(chat_transport transport, chat_judge_options options)
    : options_(std::move(options)),
      client_(std::move(transport), options_.retry),
      cache_(options_.cache) {
  if (options_.chat.model.empty()) throw usage_error("judge: the model has no name");
  if (options_.asks == 0) throw usage_error("judge: asks is 0; expected at least 1");
  if (options_.parallel == 0 || options_.parallel > 1024) {
    throw usage_error("judge: parallel is " + std::to_string(options_.parallel) +
                      "; expected 1 to 1024");
  }
  if (!options_.chat.extra.is_object()) {
    throw usage_error("judge: what is added to a request must be a JSON object");
  }
}

PREFOPT_INLINE verdict chat_judge::operator()(std::string_view prompt, std::string_view first,
                                              std::string_view second) {
  std::vector<chat_message> messages{{"user", options_.question(prompt, first, second)}};
  std::string last_request;
  std::size_t same = 0;  // requests before that were equal to this one
  verdict said = verdict::unparsed;
  for (std::size_t asked = 0; asked < options_.asks; ++asked) {
    const std::string request = chat_request(messages, options_.chat);
    same = request == last_request ? same + 1 : 0;
    last_request = request;
    const chat_answer answer = answer_to(request, same, asked > 0);
    said = parse_judgement(answer.text);
    if (said != verdict::unparsed) break;
    if (answer.text.empty()) continue;  // nothing to go on from: the same question again
    messages.push_back({"assistant", answer.text});
    messages.push_back({"user", reminder});
  }
  const std::lock_guard lock(mutex_);
  ++usage_.questions;
  usage_.unparsed += said == verdict::unparsed ? 1 : 0;
  return said;
}

PREFOPT_INLINE std::vector<verdict> chat_judge::operator()(
    std::span<const comparison> comparisons) {
  std::vector<verdict> said(comparisons.size(), verdict::unparsed);
  std::atomic<std::size_t> next{0};
  std::size_t done = 0;
  std::exception_ptr failure;
  const auto work = [&] {
    for (std::size_t i = next++; i < comparisons.size(); i = next++) {
      try {
        const comparison& c = comparisons[i];
        said[i] = (*this)(c.prompt, c.first, c.second);
        const std::lock_guard lock(mutex_);
        ++done;
        if (options_.on_verdict) options_.on_verdict(done, comparisons.size());
      } catch (...) {
        next = comparisons.size();
        const std::lock_guard lock(mutex_);
        if (!failure) failure = std::current_exception();
      }
    }
  };
  std::vector<std::thread> threads;
  try {
    while (threads.size() + 1 < std::min(options_.parallel, comparisons.size())) {
      threads.emplace_back(work);
    }
  } catch (const std::system_error&) {
    // As many as the system gives; the caller's own is one of them.
  }
  work();
  for (std::thread& thread : threads) thread.join();
  if (failure) std::rethrow_exception(failure);
  return said;
}

PREFOPT_INLINE chat_usage chat_judge::usage() const {
  const std::lock_guard lock(mutex_);
  chat_usage result = usage_;
  result.retries = client_.retries();
  result.cost = (static_cast<double>(result.prompt_tokens) * options_.price_prompt +
                 static_cast<double>(result.completion_tokens) * options_.price_completion) /
                1e6;
  return result;
}

PREFOPT_INLINE chat_answer chat_judge::answer_to(const std::string& request,
                                                 std::size_t asked_before, bool again) {
  const std::string key = chat_cache::key(request, asked_before);
  if (auto known = cache_.find(key)) {
    const std::lock_guard lock(mutex_);
    ++usage_.cached;
    return *std::move(known);
  }
  chat_answer answer = client_.ask(request);
  cache_.add(key, answer);
  const std::lock_guard lock(mutex_);
  ++usage_.requests;
  usage_.asked_again += again ? 1 : 0;
  usage_.prompt_tokens += answer.prompt_tokens;
  usage_.completion_tokens += answer.completion_tokens;
  return answer;
}

}  // namespace prefopt
