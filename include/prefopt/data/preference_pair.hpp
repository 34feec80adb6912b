#pragma once

#include <optional>
#include <string>

#include <prefopt/data/token.hpp>

namespace prefopt {

/// One row of a preference data set, as people store them: two responses to a prompt, one of them
/// preferred. `chosen` and `rejected` are the words of the data's edge (and TRL's column names);
/// the mathematics calls them winner and loser.
struct preference_pair {
  std::string prompt;
  std::string chosen;
  std::string rejected;
  std::optional<double> score_chosen;  ///< offsets need both scores, DPO needs none
  std::optional<double> score_rejected;
  token_sequence chosen_tokens = {};  ///< where they are known (of a sampled response)
  token_sequence rejected_tokens = {};
  token_sequence prompt_tokens = {};
};

}  // namespace prefopt
