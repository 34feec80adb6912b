#pragma once

#include <concepts>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include <prefopt/core/error.hpp>
#include <prefopt/core/random.hpp>
#include <prefopt/data/preference_dataset.hpp>

namespace prefopt {

/// The pairs drawn from one prompt's responses.
struct sampled_pairs {
  std::vector<ranked_pair> pairs;  ///< positions among the prompt's responses
  std::size_t ties = 0;            ///< pairs that were dropped because the scores are equal
};

/// Which of a prompt's responses are compared with which.
///
/// 1. `sampler(scores, stream)` draws pairs from the M scores of one prompt's responses; the winner
///    of a pair scores more than its loser, so a tie is never a pair. This is the defining
///    operation. Randomness comes from `stream` alone.
/// 2. It counts the pairs that it would have made but for a tie.
/// 3. It throws `usage_error` for a score that is not finite.
template <class Sampler>
concept pair_sampler = requires(const Sampler& sampler, std::span<const double> scores,
                                random_stream& stream) {
  { sampler(scores, stream) } -> std::same_as<sampled_pairs>;
};

namespace detail {

inline void require_finite_scores(std::span<const double> scores) {
  for (std::size_t i = 0; i < scores.size(); ++i) {
    if (scores[i] - scores[i] == 0) continue;
    throw usage_error("pair sampler: the score of response " + std::to_string(i) + " is " +
                      std::to_string(scores[i]) + ", but must be finite");
  }
}

/// Adds the pair of responses i and j in the order of their scores, or counts the tie (Amini et al.
/// 2024, Eq. 17).
inline void add_ranked(sampled_pairs& drawn, std::span<const double> scores, std::size_t i,
                       std::size_t j) {
  if (scores[i] == scores[j]) {
    ++drawn.ties;
  } else if (scores[i] > scores[j]) {
    drawn.pairs.push_back({i, j});
  } else {
    drawn.pairs.push_back({j, i});
  }
}

}  // namespace detail

}  // namespace prefopt
