#include "summaries.hpp"

#include <cstddef>
#include <iostream>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <prefopt/core/atomic_file.hpp>
#include <prefopt/core/error.hpp>
#include <prefopt/data/scored_responses_file.hpp>
#include <prefopt/eval/bootstrap.hpp>
#include <prefopt/eval/gnuplot.hpp>
#include <prefopt/eval/report.hpp>
#include <prefopt/model/json_file.hpp>

#include "summaries_judging.hpp"

namespace experiment {
namespace {

namespace fs = std::filesystem;

policy_summaries read_policy(const std::string& name, const fs::path& folder,
                             const summary_references& references, const task& what) {
  policy_summaries policy;
  policy.name = name;
  for (const double temperature : references.temperatures) {
    const auto file = summaries_file(folder, temperature);
    policy.by_temperature.push_back(prefopt::read_scored_responses(file));
    const auto& rows = policy.by_temperature.back();
    bool same = rows.size() == what.eval_prompts.size();
    for (std::size_t i = 0; same && i < rows.size(); ++i) {
      same = rows[i].prompt == what.eval_prompts[i];
    }
    if (!same) {
      throw prefopt::data_error(file.string(), 0, "", "does not hold the summaries of this run");
    }
  }
  const auto json = prefopt::read_checkpoint_json(reference_log_probs_file(folder));
  try {
    policy.log_probs = json.at("log_probs").get<std::vector<double>>();
  } catch (const nlohmann::json::exception& problem) {
    throw prefopt::data_error(reference_log_probs_file(folder).string(), 0, "log_probs",
                              problem.what());
  }
  if (policy.log_probs.size() != what.eval_prompts.size()) {
    throw prefopt::data_error(reference_log_probs_file(folder).string(), 0, "log_probs",
                              "does not hold one number a post");
  }
  return policy;
}

double words_of(const std::string& text) {
  bool inside = false;
  double count = 0;
  for (const char c : text) {
    const bool space = c == ' ' || c == '\n' || c == '\t' || c == '\r';
    if (!space && !inside) ++count;
    inside = !space;
  }
  return count;
}

std::string shown_rate(const prefopt::win_rate_result& r) {
  return r.rate.count == 0 ? "-" : prefopt::format_estimate(r.rate);
}
std::string shown_counts(const prefopt::win_rate_result& r) {
  return fmt::format("{} / {} / {}", r.wins, r.ties, r.losses);
}

void write_both(const prefopt::table& shown, const prefopt::table& exact, const fs::path& stem) {
  prefopt::write_csv(exact, stem.string() + ".csv");
  prefopt::write_file_atomically(stem.string() + ".md", prefopt::to_markdown(shown));
}

std::vector<std::string> exact_rate(const prefopt::win_rate_result& r) {
  const bool known = r.rate.count != 0;
  const auto text = [&](double value) { return known ? prefopt::format_exact(value) : ""; };
  return {text(r.rate.mean),         text(r.rate.low),       text(r.rate.high),
          std::to_string(r.wins),    std::to_string(r.ties), std::to_string(r.losses),
          std::to_string(r.unparsed)};
}

/// After Amini et al. (2024), Fig. 5: a line for each policy over the temperatures.
void draw_lines(const fs::path& stem, const std::vector<policy_summaries>& policies,
                const summary_references& references,
                const std::vector<std::vector<prefopt::mean_estimate>>& values,
                const std::string& name, bool chance) {
  prefopt::table data({{"series"}, {"temperature"}, {"value"}, {"low"}, {"high"}, {"policy"}});
  std::string curves;
  for (std::size_t p = 0; p < policies.size(); ++p) {
    for (std::size_t t = 0; t < references.temperatures.size(); ++t) {
      const auto& v = values[p][t];
      if (v.count == 0) continue;
      data.add_row({std::to_string(p), prefopt::format_exact(references.temperatures[t]),
                    prefopt::format_exact(v.mean), prefopt::format_exact(v.low),
                    prefopt::format_exact(v.high), policies[p].name});
    }
    const std::string filter = fmt::format("data skip 1 using ($1 == {} ? $2 : NaN)", p);
    const std::string colour = " linecolor '" + prefopt::series_colour(p) + "'";
    curves += (p == 0 ? "" : ", \\\n    ") + filter + ":3:4:5 with yerrorbars" + colour +
              " pointtype 0 notitle, \\\n    " + filter + ":3 with linespoints" + colour +
              " pointtype 7 linewidth 2 title " + prefopt::gnuplot_quoted(policies[p].name);
  }
  std::string plot = "  set xlabel 'temperature'\n  set ylabel " + prefopt::gnuplot_quoted(name) +
                     " noenhanced\n"
                     "  set key outside right top Left reverse noenhanced\n"
                     "  set offsets 0.05, 0.05, graph 0.06, graph 0.06\n  plot ";
  if (chance) plot += "0.5 with lines linecolor '#808080' dashtype 2 title 'even', ";
  const auto drawn = prefopt::draw(stem, data, plot + curves + "\n");
  std::cout << name << ": " << (drawn.png ? drawn.png->string() : drawn.note) << '\n';
}

void report_log_probs(const std::vector<policy_summaries>& policies, const options& chosen) {
  const prefopt::bootstrap_options how{.level = chosen.interval};
  const auto right = prefopt::table::alignment::right;
  prefopt::table shown({{"policy"},
                        {"mean log-prob of the human summary, nats", right},
                        {"change from before", right}});
  prefopt::table exact(
      {{"policy"}, {"mean"}, {"low"}, {"high"}, {"change"}, {"change_low"}, {"change_high"}});
  for (const auto& policy : policies) {
    const auto mean = prefopt::bootstrap_mean(policy.log_probs, how);
    const auto change =
        prefopt::bootstrap_difference(policy.log_probs, policies.front().log_probs, how);
    shown.add_row({policy.name, prefopt::format_estimate(mean, 1),
                   policy.point ? prefopt::format_estimate(change, 1) : "-"});
    exact.add_row({policy.name, prefopt::format_exact(mean.mean), prefopt::format_exact(mean.low),
                   prefopt::format_exact(mean.high), prefopt::format_exact(change.mean),
                   prefopt::format_exact(change.low), prefopt::format_exact(change.high)});
  }
  write_both(shown, exact, fs::path(chosen.out) / "reference_log_probs");
  std::cout << '\n' << prefopt::to_text(shown);
}

void report_policies(const std::vector<policy_summaries>& policies,
                     const summary_references& references, const win_rates& against_human,
                     const options& chosen, const task& what) {
  const prefopt::bootstrap_options how{.level = chosen.interval};
  const auto right = prefopt::table::alignment::right;
  const bool judged = !against_human.empty();
  std::vector<prefopt::table::column> columns{{"policy"}, {"temperature", right}};
  std::vector<prefopt::table::column> exact_columns{{"policy"}, {"temperature"}};
  if (judged) {
    columns.insert(columns.end(), {{"win rate against the human", right},
                                   {"wins / ties / losses", right},
                                   {"unparsed", right}});
    for (const char* name :
         {"win_rate", "win_rate_low", "win_rate_high", "wins", "ties", "losses", "unparsed"}) {
      exact_columns.push_back({name});
    }
  }
  columns.insert(columns.end(), {{"ROUGE-L F", right}, {"words", right}});
  for (const char* name : {"rouge_l", "rouge_l_low", "rouge_l_high", "words"}) {
    exact_columns.push_back({name});
  }
  prefopt::table shown(columns);
  prefopt::table exact(exact_columns);
  std::vector<std::vector<prefopt::mean_estimate>> lines(policies.size());
  for (std::size_t p = 0; p < policies.size(); ++p) {
    for (std::size_t t = 0; t < references.temperatures.size(); ++t) {
      std::vector<double> overlaps;
      double words = 0;
      for (const auto& summary : policies[p].by_temperature[t]) {
        overlaps.push_back(summary.score);
        words += words_of(summary.text);
      }
      words /= static_cast<double>(overlaps.size());
      const auto overlap = prefopt::bootstrap_mean(overlaps, how);
      const std::string temperature = fmt::format("{}", references.temperatures[t]);
      std::vector<std::string> row{policies[p].name, temperature};
      std::vector<std::string> exact_row = row;
      if (judged) {
        const auto& rate = against_human[p][t];
        row.insert(row.end(),
                   {shown_rate(rate), shown_counts(rate), std::to_string(rate.unparsed)});
        const auto numbers = exact_rate(rate);
        exact_row.insert(exact_row.end(), numbers.begin(), numbers.end());
      }
      row.insert(row.end(), {prefopt::format_estimate(overlap), prefopt::format_number(words, 1)});
      exact_row.insert(exact_row.end(),
                       {prefopt::format_exact(overlap.mean), prefopt::format_exact(overlap.low),
                        prefopt::format_exact(overlap.high), prefopt::format_exact(words)});
      shown.add_row(row);
      exact.add_row(exact_row);
      lines[p].push_back(judged ? against_human[p][t].rate : overlap);
    }
  }
  double human_words = 0;
  for (const auto& prompt : what.eval_prompts) {
    human_words += words_of(references.by_prompt.at(prompt).summary);
  }
  human_words /= static_cast<double>(what.eval_prompts.size());
  write_both(shown, exact, fs::path(chosen.out) / "summaries");
  std::cout << "\nSummaries of " << what.eval_prompts.size() << " held-out posts"
            << (judged ? "" : ", without a judge: overlap with the human summary, not quality")
            << fmt::format("; the human summaries have {:.1f} words\n\n", human_words)
            << prefopt::to_text(shown);
  draw_lines(fs::path(chosen.out) / "temperatures", policies, references, lines,
             judged ? "win rate against the human summary" : "ROUGE-L F, human summary", judged);
}

void report_rivals(const std::vector<policy_summaries>& policies, const summary_verdicts& verdicts,
                   const summary_references& references, const options& chosen) {
  const auto right = prefopt::table::alignment::right;
  prefopt::table shown({{"policy"},
                        {"against"},
                        {"temperature", right},
                        {"win rate", right},
                        {"wins / ties / losses", right},
                        {"unparsed", right}});
  prefopt::table exact({{"policy"},
                        {"against"},
                        {"temperature"},
                        {"win_rate"},
                        {"win_rate_low"},
                        {"win_rate_high"},
                        {"wins"},
                        {"ties"},
                        {"losses"},
                        {"unparsed"}});
  for (std::size_t k = 0; k < verdicts.rivals.size(); ++k) {
    for (std::size_t t = 0; t < references.temperatures.size(); ++t) {
      const auto& rate = verdicts.against_rival[k][t];
      std::vector<std::string> row{policies[verdicts.rivals[k][0]].name,
                                   policies[verdicts.rivals[k][1]].name,
                                   fmt::format("{}", references.temperatures[t])};
      std::vector<std::string> exact_row = row;
      row.insert(row.end(), {shown_rate(rate), shown_counts(rate), std::to_string(rate.unparsed)});
      const auto numbers = exact_rate(rate);
      exact_row.insert(exact_row.end(), numbers.begin(), numbers.end());
      shown.add_row(row);
      exact.add_row(exact_row);
    }
  }
  write_both(shown, exact, fs::path(chosen.out) / "head_to_head");
  std::cout << "\nHead to head\n\n" << prefopt::to_text(shown);
}

}  // namespace

void report_summaries(const std::vector<point_result>& results,
                      const summary_references& references, const judge_settings& judge,
                      const options& chosen, const task& what) {
  const fs::path out = chosen.out;
  std::vector<policy_summaries> policies{read_policy("before", out / "before", references, what)};
  for (const point_result& r : results) {
    policies.push_back(
        read_policy(r.point.name(), out / "points" / r.point.name(), references, what));
    policies.back().point = r.point;
  }
  const summary_verdicts verdicts = judge_summaries(policies, references, judge, chosen);
  report_policies(policies, references, verdicts.against_human, chosen, what);
  if (!verdicts.against_rival.empty()) {
    report_rivals(policies, verdicts, references, chosen);
  }
  report_log_probs(policies, chosen);
  if (verdicts.usage) print_usage(*verdicts.usage, judge);
}

}  // namespace experiment
