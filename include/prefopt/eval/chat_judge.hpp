#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <prefopt/eval/chat_cache.hpp>
#include <prefopt/eval/chat_client.hpp>
#include <prefopt/eval/chat_message.hpp>
#include <prefopt/eval/judge.hpp>
#include <prefopt/eval/judge_prompt.hpp>

namespace prefopt {

struct chat_judge_options {
  chat_settings chat = {};
  judge_prompt question = {};
  std::size_t asks = 3;      ///< how often one question is put until its answer can be read
  std::size_t parallel = 4;  ///< most requests under way at once
  retry_options retry = {};
  std::filesystem::path cache = {};  ///< see `chat_cache`; empty: answers are not kept
  double price_prompt = 0.0;         ///< of a million prompt tokens
  double price_completion = 0.0;     ///< of a million tokens that are written
  /// Called after each verdict, one call at a time, perhaps by other threads than the caller's.
  std::function<void(std::size_t done, std::size_t total)> on_verdict = {};
};

/// What a judge has been asked so far.
struct chat_usage {
  std::size_t questions = 0;
  std::size_t requests = 0;           ///< answers that were asked of the server
  std::size_t cached = 0;             ///< answers that were there before
  std::size_t asked_again = 0;        ///< because an answer could not be read
  std::size_t unparsed = 0;           ///< questions that were given up on
  std::size_t retries = 0;            ///< requests sent again because of failures
  std::size_t prompt_tokens = 0;      ///< of `requests`
  std::size_t completion_tokens = 0;  ///< of `requests`
  double cost = 0.0;                  ///< of these tokens, in the prices' unit
};

/// A chat model as a judge: the first response is shown as A, the second as B. An answer without a
/// choice (a refusal too) is asked again, with the answer and a reminder of the form, and is
/// `unparsed` after `asks` times. Throws `chat_error` where the model cannot be asked; every answer
/// until then is in the cache.
class chat_judge {
 public:
  chat_judge(chat_transport transport, chat_judge_options options);

  verdict operator()(std::string_view prompt, std::string_view first, std::string_view second);

  /// All of them, at most `parallel` at a time. The first failure stops the rest and is thrown.
  std::vector<verdict> operator()(std::span<const comparison> comparisons);

  [[nodiscard]] chat_usage usage() const;

 private:
  static constexpr const char* reminder =
      "That is not the form that was asked for. Say which summary you prefer: answer with one line,"
      " \"Preferred: A\" or \"Preferred: B\".";

  chat_answer answer_to(const std::string& request, std::size_t asked_before, bool again);

  chat_judge_options options_;
  chat_client client_;
  chat_cache cache_;
  mutable std::mutex mutex_;  // guards what follows
  chat_usage usage_;
};

static_assert(batch_judge<chat_judge>);

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/eval/chat_judge.ipp>
#endif
