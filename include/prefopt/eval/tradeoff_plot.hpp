#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>

#include <prefopt/eval/bootstrap.hpp>
#include <prefopt/eval/gnuplot.hpp>

namespace prefopt {

/// One trained policy: a point of the picture.
struct evaluated_run {
  std::string method;  ///< points of one method share a colour and a front
  std::string name;    ///< what tells it from the method's others; written to the CSV
  mean_estimate kl;    ///< nats a response
  mean_estimate reward;
};

struct tradeoff_plot_options {
  std::string title = {};
  std::string reward_name = "mean reward";
  std::optional<mean_estimate> before = {};  ///< the reference's reward: a dashed line
  bool lower_is_better = false;              ///< the "reward" is a cost: fronts are at its low end
  std::optional<bool> log_kl = {};           ///< else where KL is positive and spans a factor of 30
  gnuplot_options gnuplot = {};
};

/// Reward against KL, after Amini et al. (2024), Fig. 2: a colour for each method, bars for the
/// intervals, steps for each method's own Pareto front, a black edge for the points of the joint
/// one. Writes STEM.csv, .gp, .png and .svg, see `draw`. `usage_error` where there are no runs.
picture draw_tradeoff(const std::filesystem::path& stem, std::span<const evaluated_run> runs,
                      const tradeoff_plot_options& options = {});

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/eval/tradeoff_plot.ipp>
#endif
