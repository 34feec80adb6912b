#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include <prefopt/data/scored_response.hpp>
#include <prefopt/eval/win_rate.hpp>

#include "judging.hpp"
#include "options.hpp"
#include "summaries.hpp"
#include "sweep.hpp"

namespace experiment {

/// All that one policy wrote and thinks.
struct policy_summaries {
  std::string name;
  std::optional<sweep_point> point;                                   // none: before training
  std::vector<std::vector<prefopt::scored_response>> by_temperature;  // (temperatures, posts)
  std::vector<double> log_probs;                                      // (posts)
};

using win_rates = std::vector<std::vector<prefopt::win_rate_result>>;  // (..., temperatures)

/// What a judge says of summaries. Without one, all of it is empty.
struct summary_verdicts {
  win_rates against_human;                         // (policies, temperatures)
  std::vector<std::array<std::size_t, 2>> rivals;  // of `policies`
  win_rates against_rival;                         // (rivals, temperatures)
  std::optional<prefopt::chat_usage> usage;
};

/// Asks the judge that `judge` names, if any: every policy against the human, and policies that
/// differ in the method alone against each other. Throws `stopped` at a signal.
summary_verdicts judge_summaries(const std::vector<policy_summaries>& policies,
                                 const summary_references& references, const judge_settings& judge,
                                 const options& chosen);

}  // namespace experiment
