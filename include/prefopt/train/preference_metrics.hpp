#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

#include <prefopt/core/communicator.hpp>

namespace prefopt {

/// What a step reports of its pairs. It holds sums, so that the metrics of micro-batches, steps or
/// machines add up; the accessors give means over the pairs. The names are TRL's.
struct preference_metrics {
  std::size_t pairs = 0;
  double loss_sum = 0;
  double chosen_reward_sum = 0;    ///< implicit reward of the winners
  double rejected_reward_sum = 0;  ///< implicit reward of the losers
  std::size_t correct = 0;         ///< pairs whose winner has the higher implicit reward
  double chosen_log_prob_sum = 0;
  double rejected_log_prob_sum = 0;
  double loss_rest = 0;  ///< what rounding took from `loss_sum`

  /// Losses that are all equal have exactly that mean: at step 0, DPO's is ln 2.
  [[nodiscard]] double loss() const {
    if (pairs == 0) return 0.0;
    const auto count = static_cast<double>(pairs);
    const double rounded = loss_sum / count;
    return rounded + (std::fma(-rounded, count, loss_sum) + loss_rest) / count;
  }
  [[nodiscard]] double reward_margin() const {
    return mean(chosen_reward_sum - rejected_reward_sum);
  }
  [[nodiscard]] double accuracy() const { return mean(static_cast<double>(correct)); }

  preference_metrics& operator+=(const preference_metrics& other) {
    pairs += other.pairs;
    // Knuth's two-sum: sum and rest together are exact.
    const double sum = loss_sum + other.loss_sum;
    const double added = sum - loss_sum;
    loss_rest += (loss_sum - (sum - added)) + (other.loss_sum - added) + other.loss_rest;
    loss_sum = sum;
    chosen_reward_sum += other.chosen_reward_sum;
    rejected_reward_sum += other.rejected_reward_sum;
    correct += other.correct;
    chosen_log_prob_sum += other.chosen_log_prob_sum;
    rejected_log_prob_sum += other.rejected_log_prob_sum;
    return *this;
  }

  /// The sums over what all ranks have, as exact as those of one process.
  template <communicator Communicator>
  [[nodiscard]] preference_metrics over(Communicator& ranks) const {
    const std::array own = {static_cast<double>(pairs),
                            loss_sum,
                            chosen_reward_sum,
                            rejected_reward_sum,
                            static_cast<double>(correct),
                            chosen_log_prob_sum,
                            rejected_log_prob_sum,
                            loss_rest};
    const std::vector<double> all = gathered(ranks, std::span<const double>(own));
    preference_metrics sum;
    for (std::size_t r = 0; r < ranks.size(); ++r) {
      const double* const row = all.data() + r * own.size();
      sum += {static_cast<std::size_t>(row[0]), row[1], row[2], row[3],
              static_cast<std::size_t>(row[4]), row[5], row[6], row[7]};
    }
    return sum;
  }

  /// Calls `visit(name, mean over the pairs)` for every metric.
  template <class Visit>
  void for_each(Visit&& visit) const {
    visit("loss", loss());
    visit("rewards/chosen", mean(chosen_reward_sum));
    visit("rewards/rejected", mean(rejected_reward_sum));
    visit("rewards/accuracies", accuracy());
    visit("rewards/margins", reward_margin());
    visit("logps/chosen", mean(chosen_log_prob_sum));
    visit("logps/rejected", mean(rejected_log_prob_sum));
  }

 private:
  [[nodiscard]] double mean(double sum) const {
    return pairs == 0 ? 0.0 : sum / static_cast<double>(pairs);
  }
};

}  // namespace prefopt
