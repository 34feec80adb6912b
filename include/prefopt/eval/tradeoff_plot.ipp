#pragma once

#include <prefopt/eval/tradeoff_plot.hpp>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <vector>

#include <prefopt/core/config.hpp>
#include <prefopt/core/error.hpp>
#include <prefopt/eval/pareto.hpp>
#include <prefopt/eval/report.hpp>

namespace prefopt {

namespace detail {

/// The rows of the picture's CSV: by method in order of appearance, then by KL.
struct tradeoff_rows {
  table data{{{"series"},
              {"kl"},
              {"kl_low"},
              {"kl_high"},
              {"reward"},
              {"reward_low"},
              {"reward_high"},
              {"on_front_of_method"},
              {"on_joint_front"},
              {"method"},
              {"run"}}};
  std::vector<std::string> methods;
};

inline tradeoff_rows tradeoff_table(std::span<const evaluated_run> runs,
                                    bool lower_is_better = false) {
  tradeoff_rows rows;
  std::vector<std::size_t> series(runs.size());
  std::vector<tradeoff> points(runs.size());
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const auto found = std::find(rows.methods.begin(), rows.methods.end(), runs[i].method);
    series[i] = static_cast<std::size_t>(found - rows.methods.begin());
    if (found == rows.methods.end()) rows.methods.push_back(runs[i].method);
    const double reward = runs[i].reward.mean;
    points[i] = {runs[i].kl.mean, lower_is_better ? -reward : reward};
  }
  std::vector<bool> joint(runs.size(), false);
  for (const std::size_t i : pareto_front(points)) joint[i] = true;
  for (std::size_t s = 0; s < rows.methods.size(); ++s) {
    std::vector<std::size_t> of;  // the method's runs
    for (std::size_t i = 0; i < runs.size(); ++i) {
      if (series[i] == s) of.push_back(i);
    }
    std::stable_sort(of.begin(), of.end(),
                     [&](std::size_t a, std::size_t b) { return points[a].kl < points[b].kl; });
    std::vector<tradeoff> own;
    for (const std::size_t i : of) own.push_back(points[i]);
    std::vector<bool> front(of.size(), false);
    for (const std::size_t k : pareto_front(own)) front[k] = true;
    for (std::size_t k = 0; k < of.size(); ++k) {
      const evaluated_run& run = runs[of[k]];
      rows.data.add_row({std::to_string(s), format_exact(run.kl.mean), format_exact(run.kl.low),
                         format_exact(run.kl.high), format_exact(run.reward.mean),
                         format_exact(run.reward.low), format_exact(run.reward.high),
                         front[k] ? "1" : "0", joint[of[k]] ? "1" : "0", one_line(run.method),
                         one_line(run.name)});
    }
  }
  return rows;
}

inline bool spans_decades(std::span<const evaluated_run> runs) {
  double least = std::numeric_limits<double>::infinity();
  double most = 0.0;
  for (const evaluated_run& run : runs) {
    least = std::min({least, run.kl.mean, run.kl.low});
    most = std::max(most, run.kl.mean);
  }
  return least > 0.0 && most > 30.0 * least;
}

}  // namespace detail

PREFOPT_INLINE picture draw_tradeoff(const std::filesystem::path& stem,
                                     std::span<const evaluated_run> runs,
                                     const tradeoff_plot_options& options) {
  if (runs.empty()) throw usage_error("a picture of reward against KL: there are no runs");
  const auto rows = detail::tradeoff_table(runs, options.lower_is_better);
  const bool log_kl = options.log_kl.value_or(detail::spans_decades(runs));
  std::string plot;
  if (!options.title.empty()) {
    plot += "  set title " + gnuplot_quoted(options.title) + " noenhanced font ',14'\n";
  }
  plot += "  set xlabel 'KL(policy \xE2\x80\x96 reference), nats a response'\n";
  plot += "  set ylabel " + gnuplot_quoted(options.reward_name) + " noenhanced\n";
  plot += "  set key outside right top Left reverse noenhanced samplen 2 spacing 1.3\n";
  plot += "  set offsets graph 0, graph 0.04, graph 0.06, graph 0.06\n";
  plot += log_kl ? "  set logscale x\n" : "  set xrange [0:*]\n";
  std::string curves;
  const auto add = [&](const std::string& curve) {
    curves += (curves.empty() ? "" : ", \\\n    ") + curve;
  };
  const auto points = [](std::size_t s, const std::string& condition, const std::string& columns) {
    return "data skip 1 using ($1 == " + std::to_string(s) + condition + " ? $2 : NaN):" + columns;
  };
  if (options.before) {
    add(format_exact(options.before->mean) +
        " with lines linecolor '#808080' linewidth 1.5 dashtype 2 title 'before training'");
  }
  const auto shape = [](std::size_t s) {
    static constexpr int filled[] = {7, 5, 9, 11, 13};  // circle, square, triangles, diamond
    return filled[s % 5];
  };
  for (std::size_t s = 0; s < rows.methods.size(); ++s) {
    const std::string colour = " linecolor '" + series_colour(s) + "'";
    add(points(s, " && $8 == 1", "5") + " with steps" + colour + " linewidth 2 notitle");
    add(points(s, "", "5:3:4:6:7") + " with xyerrorbars" + colour +
        " linewidth 1 pointtype 0 notitle");
  }
  for (std::size_t s = 0; s < rows.methods.size(); ++s) {
    const std::string type = " pointtype " + std::to_string(shape(s));
    add(points(s, " && $9 == 1", "5") + " with points linecolor '#000000'" + type +
        " pointsize 1.9 notitle");
    add(points(s, "", "5") + " with points linecolor '" + series_colour(s) + "'" + type +
        " pointsize 1.3 title " + gnuplot_quoted(rows.methods[s]));
  }
  add("NaN with points linecolor '#000000' pointtype 6 pointsize 1.9 linewidth 2 title "
      "'on the joint Pareto front'");
  add("NaN with lines linecolor '#404040' linewidth 2 title 'front of one method'");
  plot += "  plot " + curves + "\n";
  return draw(stem, rows.data, plot, options.gnuplot);
}

}  // namespace prefopt
