#pragma once

#include <optional>
#include <string>

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
};

}  // namespace prefopt
