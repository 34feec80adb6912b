#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include <prefopt/data/preference_dataset.hpp>
#include <prefopt/train/preference_batch.hpp>

namespace prefopt {

/// Arrays that stand beside a data set.
struct pair_sources {
  std::span<const double> reference_log_probs = {};  ///< of every response; empty: none
  std::span<const std::size_t> targets = {};  ///< of every pair, its SFT target's response; or none
};

/// Some pairs of a data set as a batch in which each prompt and each response stands once, and the
/// arrays that the batch views. Movable: the views stay good.
struct gathered_pairs {
  preference_batch batch;
  std::size_t tokens = 0;  ///< that a model computes for it

  std::vector<ranked_pair> pairs;
  std::vector<double> reference_log_probs;
  std::vector<double> scores;
  std::vector<std::size_t> targets;
  std::vector<std::size_t> pair_numbers;
};

/// Gathers pairs `numbers` of the data set. Prompts stand in the order in which the pairs name
/// them.
gathered_pairs gather_pairs(const preference_dataset& data, std::span<const std::size_t> numbers,
                            const pair_sources& sources = {});

/// Throws `usage_error` for a data set that cannot be computed: no pairs, a position out of range,
/// a pair across two prompts or of a response with itself, an empty prompt or response.
void validate(const preference_dataset& data);

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/train/pair_gathering.ipp>
#endif
