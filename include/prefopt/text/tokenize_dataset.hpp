#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>

#include <prefopt/core/error.hpp>
#include <prefopt/data/preference_dataset.hpp>
#include <prefopt/data/preference_pair.hpp>
#include <prefopt/data/scored_response.hpp>
#include <prefopt/text/tokenizer.hpp>

namespace prefopt {

struct tokenize_options {
  static constexpr std::size_t unlimited = std::numeric_limits<std::size_t>::max();
  /// What a prompt that is too long loses.
  enum class side { left, right };

  std::size_t max_prompt = unlimited;    ///< tokens
  std::size_t max_response = unlimited;  ///< tokens, the end token too; a longer one loses its end
  side prompt_loses = side::left;        ///< left: its beginning, right: its end
  /// Put the tokenizer's end token after a response that is text; not after tokens that are known.
  /// A model may have several that end a text: sampling ends at any (`checkpoint_description::ends`
  /// and the tokenizer's), training teaches the one that stands in texts.
  bool end_token = true;
};

/// A data set ready for training, and what happened on the way.
struct tokenized_dataset {
  preference_dataset data;
  std::size_t prompts_cut = 0;
  std::size_t responses_cut = 0;
  /// Pairs left out because both responses are the same tokens, perhaps only after they were cut.
  std::size_t identical_pairs = 0;
  /// Pairs of the same two responses as one before; they are kept and count as often as they stand
  /// there.
  std::size_t repeated_pairs = 0;
};

namespace detail {

template <tokenizer Tokenizer>
class dataset_builder {
 public:
  dataset_builder(const Tokenizer& tokenizer, const tokenize_options& options)
      : tokenizer_(tokenizer), options_(options) {
    if (options.max_prompt == 0 || options.max_response == 0) {
      throw usage_error("prompts and responses are limited to 0 tokens; at least 1 is needed");
    }
    if (options.end_token && !tokenizer.end_token()) {
      throw usage_error("the tokenizer has no end token to put after a response");
    }
  }

  /// The prompt's position; equal texts are one prompt, and so are equal tokens where they are
  /// known. `row` counts from 0, for messages.
  std::size_t add_prompt(const std::string& text, std::size_t row, token_sequence tokens = {}) {
    const std::size_t next = result_.data.prompts.size();
    if (tokens.empty()) {
      const auto [at, added] = prompts_.emplace(text, next);
      if (!added) return at->second;
      tokens = tokenizer_.encode(text);
    } else {
      const auto [at, added] = known_prompts_.emplace(tokens, next);
      if (!added) return at->second;
    }
    if (tokens.empty()) throw usage_error("row " + std::to_string(row) + ": the prompt is empty");
    if (tokens.size() > options_.max_prompt) {
      const auto excess = static_cast<std::ptrdiff_t>(tokens.size() - options_.max_prompt);
      const bool left = options_.prompt_loses == tokenize_options::side::left;
      const auto first = left ? tokens.begin() : tokens.end() - excess;
      tokens.erase(first, first + excess);
      ++result_.prompts_cut;
    }
    result_.data.prompts.push_back(std::move(tokens));
    return next;
  }

  std::size_t add_response(std::size_t prompt, std::string_view text, token_sequence tokens,
                           double score) {
    if (tokens.empty()) {
      tokens = tokenizer_.encode(text);
      if (options_.end_token) tokens.push_back(*tokenizer_.end_token());
    }
    if (tokens.empty()) {
      throw usage_error("response " + std::to_string(result_.data.responses.size()) +
                        " is empty, and no end token is to be put after it");
    }
    if (tokens.size() > options_.max_response) {
      tokens.resize(options_.max_response);
      ++result_.responses_cut;
    }
    result_.data.responses.push_back({prompt, std::move(tokens), score});
    return result_.data.responses.size() - 1;
  }

  void add_pair(ranked_pair pair) {
    const auto& all = result_.data.responses;
    if (pair.winner == pair.loser || all[pair.winner].tokens == all[pair.loser].tokens) {
      ++result_.identical_pairs;
    } else {
      if (!known_pairs_.emplace(pair.winner, pair.loser).second) ++result_.repeated_pairs;
      result_.data.pairs.push_back(pair);
    }
  }

  tokenized_dataset& result() { return result_; }

 private:
  const Tokenizer& tokenizer_;
  tokenize_options options_;
  tokenized_dataset result_;
  std::unordered_map<std::string, std::size_t> prompts_;
  std::map<token_sequence, std::size_t> known_prompts_;
  std::set<std::pair<std::size_t, std::size_t>> known_pairs_;
};

}  // namespace detail

/// Tokenizes rows of preferences. Equal prompts are stored once, and so are responses of a prompt
/// with equal text and score, so that training computes each once a step. A response is followed by
/// the end token, unless the pair has its tokens, which are taken as they are, as a prompt's
/// are; prompt and response are tokenized apart. Throws `usage_error` for an empty prompt
/// and for a tokenizer without an end token.
template <tokenizer Tokenizer>
tokenized_dataset tokenize_preferences(std::span<const preference_pair> pairs,
                                       const Tokenizer& tokenizer,
                                       const tokenize_options& options = {}) {
  detail::dataset_builder<Tokenizer> builder(tokenizer, options);
  // Scores by their bits: "no score" is a NaN, which equals nothing.
  std::map<std::tuple<std::size_t, std::string_view, token_sequence, std::uint64_t>, std::size_t>
      known;
  constexpr double none = std::numeric_limits<double>::quiet_NaN();
  for (std::size_t row = 0; row < pairs.size(); ++row) {
    const auto& pair = pairs[row];
    const std::size_t prompt = builder.add_prompt(pair.prompt, row, pair.prompt_tokens);
    const auto response = [&](const std::string& text, std::optional<double> score,
                              const token_sequence& tokens) {
      const double value = score.value_or(none);
      const auto key =
          std::tuple(prompt, std::string_view(text), tokens, std::bit_cast<std::uint64_t>(value));
      const auto found = known.find(key);
      if (found != known.end()) return found->second;
      const std::size_t added = builder.add_response(prompt, text, tokens, value);
      known.emplace(key, added);
      return added;
    };
    const std::size_t winner = response(pair.chosen, pair.score_chosen, pair.chosen_tokens);
    const std::size_t loser = response(pair.rejected, pair.score_rejected, pair.rejected_tokens);
    builder.add_pair({winner, loser});
  }
  return std::move(builder.result());
}

/// Tokenizes scored responses; response i of the result is response i of `responses`. Tokens that
/// are known already (of sampled responses) are taken as they are, without a further end token.
/// `pairs` are positions in `responses`, both of the same prompt. Throws `usage_error` otherwise.
template <tokenizer Tokenizer>
tokenized_dataset tokenize_responses(std::span<const scored_response> responses,
                                     std::span<const ranked_pair> pairs, const Tokenizer& tokenizer,
                                     const tokenize_options& options = {}) {
  detail::dataset_builder<Tokenizer> builder(tokenizer, options);
  for (std::size_t row = 0; row < responses.size(); ++row) {
    const auto& each = responses[row];
    const std::size_t prompt = builder.add_prompt(each.prompt, row);
    builder.add_response(prompt, each.text, each.tokens, each.score);
  }
  const auto& made = builder.result().data.responses;
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    const auto& pair = pairs[i];
    if (pair.winner >= made.size() || pair.loser >= made.size() ||
        made[pair.winner].prompt != made[pair.loser].prompt) {
      throw usage_error("pair " + std::to_string(i) + " (" + std::to_string(pair.winner) + ", " +
                        std::to_string(pair.loser) + ") is not of two responses of one prompt");
    }
    builder.add_pair(pair);
  }
  return std::move(builder.result());
}

}  // namespace prefopt
