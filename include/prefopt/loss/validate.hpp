#pragma once

#include <concepts>
#include <cstddef>
#include <span>
#include <string>

#include <prefopt/core/config.hpp>
#include <prefopt/core/error.hpp>

namespace prefopt {

// The boundary between data and formulas. A formula never throws, and where its offset has no value
// (the log of a tie) it gives NaN or infinity; so scores are checked here, once, where they come
// in.

/// Whether the loss has a value for a pair with these two scores. True where the loss does not say.
template <class Loss>
PREFOPT_HD constexpr bool accepts_scores(const Loss& loss, double winner_score,
                                         double loser_score) {
  if constexpr (requires {
                  { loss.accepts(winner_score, loser_score) } -> std::convertible_to<bool>;
                }) {
    return loss.accepts(winner_score, loser_score);
  } else {
    return true;
  }
}

/// Throws `score_error` where the loss has no value for the two scores of pair number `pair`.
template <class Loss>
void validate_scores(const Loss& loss, std::size_t pair, double winner_score, double loser_score) {
  if (accepts_scores(loss, winner_score, loser_score)) return;
  const auto finite = [](double score) { return score - score == 0; };
  std::string problem = "the loss's offset has no value for these scores";
  if (!finite(winner_score) || !finite(loser_score)) {
    problem = "scores must be finite for this loss's offset";
  } else if (winner_score == loser_score) {
    problem = "a tie has no value under this loss's offset; drop it, or use an offset without log";
  } else if (winner_score < loser_score) {
    problem = "the winner scores less than the loser, which this loss's offset cannot use";
  }
  throw score_error(pair, winner_score, loser_score, problem);
}

/// Checks the scores of many pairs; pair i is reported as number `first_pair + i`. Both spans have
/// the same length. Throws `score_error` for the first pair that the loss has no value for.
template <class Loss, class Real>
void validate_scores(const Loss& loss, std::span<const Real> winner_scores,
                     std::span<const Real> loser_scores, std::size_t first_pair = 0) {
  if (winner_scores.size() != loser_scores.size()) {
    throw usage_error("validate_scores: " + std::to_string(winner_scores.size()) +
                      " winner scores but " + std::to_string(loser_scores.size()) +
                      " loser scores");
  }
  for (std::size_t i = 0; i < winner_scores.size(); ++i) {
    validate_scores(loss, first_pair + i, static_cast<double>(winner_scores[i]),
                    static_cast<double>(loser_scores[i]));
  }
}

}  // namespace prefopt
