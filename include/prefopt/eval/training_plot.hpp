#pragma once

#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <prefopt/eval/gnuplot.hpp>

namespace prefopt {

/// What a run's metrics file says: for each step it names, its numbers.
struct training_curve {
  struct point {
    double step = 0.0;
    std::map<std::string, double> metrics;
  };
  std::string name;  ///< of the run, for the legend
  std::vector<point> points;
};

/// Reads a run's metrics: one JSON object a line, with `step`. What is no number (null for one that
/// was not finite) is left out. A last line without its end is one that is being written, and is
/// not read. Other damage is a `data_error` that names the line.
training_curve read_training_curve(const std::filesystem::path& file, std::string name);

struct training_plot_options {
  std::string title = {};
  /// The panels, one below another: name of a metric and how its axis is called.
  std::vector<std::pair<std::string, std::string>> panels = {
      {"loss", "loss"}, {"rewards/accuracies", "accuracy"}, {"rewards/margins", "reward margin"}};
  gnuplot_options gnuplot = {.width = 900, .height = 800};
};

/// Training curves: a panel for each metric, a colour for each run. Writes STEM.csv, .gp, .png and
/// .svg, see `draw`. `usage_error` where no run has a value of any of the metrics.
picture draw_training(const std::filesystem::path& stem, std::span<const training_curve> curves,
                      const training_plot_options& options = {});

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/eval/training_plot.ipp>
#endif
