#pragma once

#include <cstddef>
#include <span>
#include <string>

#include <prefopt/core/error.hpp>
#include <prefopt/data/preference_dataset.hpp>
#include <prefopt/data/response_batch.hpp>

namespace prefopt {

/// The pairs of one step, or of one micro-batch of it, over responses that are each computed once.
/// Everything but the grouping is a view: the caller owns the arrays.
struct preference_batch {
  response_batch responses;            ///< R responses, each there once
  std::span<const ranked_pair> pairs;  ///< P pairs, as positions among the batch's responses

  /// log pi_ref(y | x), (R). Empty where the loss reads no reference.
  std::span<const double> reference_log_probs = {};
  /// r(x, y), (R). Empty where the loss reads no scores.
  std::span<const double> scores = {};
  /// Of each pair, the position of its SFT target y_ref among the responses, (P). Empty where the
  /// loss has no SFT target.
  std::span<const std::size_t> targets = {};
  /// The number that each pair has in its data set, (P); errors name it. Empty: 0, 1, 2, ...
  std::span<const std::size_t> pair_numbers = {};

  [[nodiscard]] std::size_t pair_number(std::size_t i) const {
    return pair_numbers.empty() ? i : pair_numbers[i];
  }
};

/// Throws `usage_error` where an array's length or a position in it cannot be right.
inline void validate_batch(const preference_batch& batch) {
  const std::size_t responses = batch.responses.size();
  const auto length = [](const char* name, std::size_t found, std::size_t expected,
                         const char* what) {
    if (found == 0 || found == expected) return;
    throw usage_error(std::string("preference_batch: ") + name + " has " + std::to_string(found) +
                      " entries for " + std::to_string(expected) + " " + what);
  };
  length("reference_log_probs", batch.reference_log_probs.size(), responses, "responses");
  length("scores", batch.scores.size(), responses, "responses");
  length("targets", batch.targets.size(), batch.pairs.size(), "pairs");
  length("pair_numbers", batch.pair_numbers.size(), batch.pairs.size(), "pairs");
  const auto position = [&](std::size_t pair, const char* name, std::size_t found) {
    if (found < responses) return;
    throw usage_error("preference_batch: pair " + std::to_string(batch.pair_number(pair)) + ": " +
                      name + " " + std::to_string(found) + " of " + std::to_string(responses) +
                      " responses");
  };
  if (batch.pairs.empty()) throw usage_error("preference_batch: there is no pair");
  for (std::size_t i = 0; i < batch.pairs.size(); ++i) {
    position(i, "winner", batch.pairs[i].winner);
    position(i, "loser", batch.pairs[i].loser);
    if (!batch.targets.empty()) position(i, "target", batch.targets[i]);
    if (batch.pairs[i].winner == batch.pairs[i].loser) {
      throw usage_error("preference_batch: pair " + std::to_string(batch.pair_number(i)) +
                        ": a response cannot beat itself");
    }
  }
}

}  // namespace prefopt
