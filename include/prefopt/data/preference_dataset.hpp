#pragma once

#include <cstddef>
#include <limits>
#include <vector>

#include <prefopt/data/token.hpp>

namespace prefopt {

/// Which response beat which, as positions in a list of responses. `winner != loser`.
struct ranked_pair {
  std::size_t winner = 0;
  std::size_t loser = 0;

  friend bool operator==(const ranked_pair&, const ranked_pair&) = default;
};

/// A tokenized response of a data set.
struct dataset_response {
  std::size_t prompt = 0;  ///< position in `preference_dataset::prompts`
  token_sequence tokens;   ///< ends with the end token unless it was cut off
  double score = std::numeric_limits<double>::quiet_NaN();  ///< NaN: the data set has no scores
};

/// What preference training reads: each prompt once, each response once, and the pairs among them
/// as positions. M responses of a prompt make up to M(M-1)/2 pairs, but are stored, and computed in
/// a step, M times and not M(M-1).
struct preference_dataset {
  std::vector<token_sequence> prompts;
  std::vector<dataset_response> responses;
  std::vector<ranked_pair> pairs;  ///< positions in `responses`; both of the same prompt
};

}  // namespace prefopt
