#include "report.hpp"

#include <algorithm>
#include <iostream>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <prefopt/core/atomic_file.hpp>
#include <prefopt/data/scored_responses_file.hpp>
#include <prefopt/eval/pareto.hpp>
#include <prefopt/eval/report.hpp>
#include <prefopt/eval/tradeoff_plot.hpp>
#include <prefopt/eval/training_plot.hpp>

namespace experiment {
namespace {

using prefopt::format_exact;
using prefopt::format_number;

constexpr std::size_t shown_prompts = 4;
constexpr std::size_t curves_in_picture = 8;

std::string or_dash(double value) {
  return value == 0 ? "-" : fmt::format("{}", value);
}
std::string or_all(std::size_t pairs) {
  return pairs == 0 ? "all" : std::to_string(pairs);
}

/// The mean of 1 - score.
prefopt::mean_estimate complement(const prefopt::mean_estimate& e) {
  return {1 - e.mean, 1 - e.high, 1 - e.low, e.count};
}

prefopt::table result_table(const evaluation& before, std::span<const point_result> results,
                            const options& chosen, const task& what) {
  const auto right = prefopt::table::alignment::right;
  const std::string level = fmt::format("{}%", 100 * chosen.interval);
  const bool swapped = !what.complement_name.empty();
  const auto shown = [&](const prefopt::mean_estimate& reward) {
    return prefopt::format_estimate(swapped ? complement(reward) : reward);
  };
  prefopt::table table({{"method"},
                        {"offset"},
                        {"alpha", right},
                        {"beta", right},
                        {"margin", right},
                        {"lambda", right},
                        {"pairs", right},
                        {"seed", right},
                        {(swapped ? what.complement_name : "reward") + " [" + level + "]", right},
                        {"KL, nats [" + level + "]", right},
                        {"tokens", right},
                        {"training", right}});
  table.add_row({"before", "-", "-", "-", "-", "-", "-", "-", shown(before.reward), "0",
                 format_number(before.tokens, 1), "-"});
  for (const point_result& r : results) {
    const sweep_point& p = r.point;
    table.add_row({p.method, p.offset == "none" ? "-" : p.offset, or_dash(p.alpha), or_dash(p.beta),
                   or_dash(p.margin), or_dash(p.lambda), or_all(p.pairs), std::to_string(p.seed),
                   shown(r.values.reward),
                   r.values.kl.count == 0 ? "-" : prefopt::format_estimate(r.values.kl, 2),
                   format_number(r.values.tokens, 1), format_number(r.training_seconds, 0) + " s"});
  }
  return table;
}

/// Every number with all its digits.
prefopt::table result_csv(const evaluation& before, std::span<const point_result> results) {
  prefopt::table table({{"method"},
                        {"offset"},
                        {"alpha"},
                        {"beta"},
                        {"margin"},
                        {"lambda"},
                        {"pairs"},
                        {"seed"},
                        {"reward"},
                        {"reward_low"},
                        {"reward_high"},
                        {"kl"},
                        {"kl_low"},
                        {"kl_high"},
                        {"kl_k1"},
                        {"kl_k3"},
                        {"tokens"},
                        {"training_seconds"},
                        {"evaluation_seconds"}});
  const auto add = [&](const sweep_point& p, const evaluation& v, double training,
                       double evaluation_time) {
    // Where it was not measured, nothing; before training it is 0 without being measured.
    const bool has_kl = v.kl.count > 0 || p.method == "before";
    const auto kl = [&](double value) { return has_kl ? format_exact(value) : std::string(); };
    table.add_row({p.method, p.offset, format_exact(p.alpha), format_exact(p.beta),
                   format_exact(p.margin), format_exact(p.lambda), std::to_string(p.pairs),
                   std::to_string(p.seed), format_exact(v.reward.mean), format_exact(v.reward.low),
                   format_exact(v.reward.high), kl(v.kl.mean), kl(v.kl.low), kl(v.kl.high),
                   kl(v.k1.mean), kl(v.k3.mean), format_exact(v.tokens), format_exact(training),
                   format_exact(evaluation_time)});
  };
  add({.method = "before", .seed = 0}, before, 0, 0);
  for (const point_result& r : results) {
    add(r.point, r.values, r.training_seconds, r.evaluation_seconds);
  }
  return table;
}

void print_shares(std::span<const point_result> results) {
  std::vector<prefopt::tradeoff> points;
  std::vector<std::string> methods;
  for (const point_result& r : results) {
    points.push_back({r.values.kl.mean, r.values.reward.mean});
    methods.push_back(r.point.series());
  }
  if (results.front().values.kl.count == 0) return;
  if (std::all_of(methods.begin(), methods.end(),
                  [&](const std::string& m) { return m == methods.front(); })) {
    return;
  }
  std::cout << "\nShare of the joint Pareto front (high reward, low KL):\n";
  for (const auto& share : prefopt::front_shares(points, methods)) {
    std::cout << fmt::format("  {:<28} {:3.0f} %  ({} of {} points on it)\n", share.method,
                             100 * share.share, share.on_front, share.points);
  }
}

void print_picture(const prefopt::picture& drawn, const char* what) {
  if (!drawn.png) {
    std::cout << what << ": no picture, " << drawn.note << "; its data: " << drawn.csv.string()
              << '\n';
  } else {
    std::cout << what << ": " << drawn.png->string() << " (and .svg, .csv, .gp)\n";
  }
}

void draw_pictures(const evaluation& before, std::span<const point_result> results,
                   const options& chosen, const task& what) {
  const std::filesystem::path out = chosen.out;
  const bool swapped = !what.complement_name.empty();
  const auto shown = [&](const prefopt::mean_estimate& reward) {
    return swapped ? complement(reward) : reward;
  };
  std::vector<prefopt::evaluated_run> runs;
  std::vector<prefopt::training_curve> curves;
  for (const point_result& r : results) {
    runs.push_back({r.point.series(), r.point.name(), r.values.kl, shown(r.values.reward)});
    const auto metrics = out / "points" / r.point.name() / "run" / "metrics.jsonl";
    if (curves.size() < curves_in_picture && std::filesystem::exists(metrics)) {
      curves.push_back(prefopt::read_training_curve(metrics, r.point.name()));
    }
  }
  if (runs.front().kl.count == 0) {
    std::cout << "No KL: responses were not sampled at temperature 1 from all tokens\n";
    return;
  }
  const std::string drawn = swapped ? what.complement_name : "reward";
  const prefopt::tradeoff_plot_options how{
      .title = what.name + ": " + drawn + " against divergence",
      .reward_name = swapped ? what.complement_name + ": 1 - " + what.score_name : what.score_name,
      .before = shown(before.reward),
      .lower_is_better = swapped};
  print_picture(prefopt::draw_tradeoff(out / "tradeoff", runs, how), "Score against KL");
  if (!curves.empty()) {
    print_picture(prefopt::draw_training(out / "training", curves, {.title = what.name}),
                  "Training");
  }
}

/// The first response to some prompts, before and after, side by side with their scores.
void show_completions(std::span<const point_result> results, const options& chosen) {
  const std::filesystem::path out = chosen.out;
  const auto before = prefopt::read_scored_responses(out / "before" / "responses.jsonl");
  std::string text = "# Completions before and after\n";
  std::vector<std::vector<prefopt::scored_response>> after;
  for (const point_result& r : results) {
    after.push_back(
        prefopt::read_scored_responses(out / "points" / r.point.name() / "responses.jsonl"));
  }
  const auto line = [](const std::string& who, const prefopt::scored_response& r) {
    std::string one = r.text;
    std::replace(one.begin(), one.end(), '\n', ' ');
    return fmt::format("  {:<28} {:.3f}  {}\n", who, r.score, one);
  };
  const std::size_t to_show = results.size() <= 4 ? shown_prompts : 0;  // else it is a long list
  if (to_show > 0) std::cout << "\nCompletions (score, text):\n";
  std::size_t shown = 0;
  for (std::size_t i = 0; i < before.size(); i += chosen.eval_responses, ++shown) {
    std::string block = before[i].prompt + " ...\n" + line("before", before[i]);
    for (std::size_t k = 0; k < results.size(); ++k) {
      if (i < after[k].size()) block += line(results[k].point.name(), after[k][i]);
    }
    text += "\n```\n" + block + "```\n";
    if (shown < to_show) std::cout << block;
  }
  prefopt::write_file_atomically(out / "completions.md", text);
  std::cout << (to_show > 0 ? "All of them: " : "\nCompletions: ")
            << (out / "completions.md").string() << '\n';
}

}  // namespace

void report(const evaluation& before, std::span<const point_result> results, const options& chosen,
            const task& what) {
  const std::filesystem::path out = chosen.out;
  const prefopt::table table = result_table(before, results, chosen, what);
  prefopt::write_csv(result_csv(before, results), out / "results.csv");
  prefopt::write_file_atomically(out / "results.md", prefopt::to_markdown(table));
  std::cout << "\nReward: " << what.score_name << "\n";
  if (!what.complement_name.empty()) {
    std::cout << "The table shows " << what.complement_name << ", the mean of 1 - reward\n";
  }
  std::cout << "\n" << prefopt::to_text(table);
  print_shares(results);
  show_completions(results, chosen);
  std::cout << '\n';
  draw_pictures(before, results, chosen, what);
  std::cout << "Table: " << (out / "results.csv").string() << " (and .md)\n";
  if (!chosen.keep_models) return;
  for (const point_result& r : results) {
    std::cout << "Checkpoint: " << (out / "points" / r.point.name() / "checkpoint").string()
              << '\n';
  }
}

}  // namespace experiment
