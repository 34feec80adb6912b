#include "summaries.hpp"

#include <array>
#include <cstddef>
#include <iostream>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <prefopt/core/atomic_file.hpp>
#include <prefopt/core/error.hpp>
#include <prefopt/core/progress.hpp>
#include <prefopt/data/scored_responses_file.hpp>
#include <prefopt/eval/bootstrap.hpp>
#include <prefopt/eval/gnuplot.hpp>
#include <prefopt/eval/report.hpp>
#include <prefopt/model/json_file.hpp>

#include "stopped.hpp"

namespace experiment {
namespace {

namespace fs = std::filesystem;

/// All that one policy wrote and thinks.
struct policy_summaries {
  std::string name;
  std::optional<sweep_point> point;                                   // none: before training
  std::vector<std::vector<prefopt::scored_response>> by_temperature;  // (temperatures, posts)
  std::vector<double> log_probs;                                      // (posts)
};

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

std::string trimmed(const std::string& text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
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

/// Asks the judge, with one bar for all of its questions.
class judging {
 public:
  judging(const judge_settings& settings, const options& chosen, std::size_t questions)
      : how_(judge_win_rate(settings, chosen)),
        shown_("judge", questions * (how_.order == prefopt::judge_order::both ? 2 : 1)) {
    auto asked = *read_judge(settings, chosen);
    asked.on_verdict = [this](std::size_t done, std::size_t) { shown_.update(before_ + done); };
    judge_.emplace(judge_transport(settings), std::move(asked));
  }

  prefopt::win_rate_result compare(const std::vector<prefopt::comparison>& comparisons) {
    try {
      const auto result = prefopt::win_rate(*judge_, comparisons, how_);
      before_ += comparisons.size() * (how_.order == prefopt::judge_order::both ? 2 : 1);
      return result;
    } catch (const prefopt::chat_stopped&) {
      stop_if_asked();
      throw;
    }
  }
  prefopt::chat_usage finish() {
    shown_.finish();
    return judge_->usage();
  }

 private:
  prefopt::win_rate_options how_;
  prefopt::progress shown_;
  std::size_t before_ = 0;
  std::optional<prefopt::chat_judge> judge_;
};

/// Policies that differ in the method alone: the later one of the sweep against the earlier, so
/// that with `dpo, odpo` ODPO stands first.
std::vector<std::array<std::size_t, 2>> rivals(const std::vector<policy_summaries>& policies) {
  std::vector<std::array<std::size_t, 2>> found;
  for (std::size_t a = 0; a < policies.size(); ++a) {
    for (std::size_t b = 0; b < a; ++b) {
      if (!policies[a].point || !policies[b].point) continue;
      const sweep_point& p = *policies[a].point;
      const sweep_point& q = *policies[b].point;
      const bool betas = p.beta == q.beta || p.beta == 0 || q.beta == 0;  // SLiC has none
      if (p.series() != q.series() && betas && p.pairs == q.pairs && p.seed == q.seed) {
        found.push_back({a, b});
      }
    }
  }
  return found;
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

using rates = std::vector<std::vector<prefopt::win_rate_result>>;  // (policies, temperatures)

void report_policies(const std::vector<policy_summaries>& policies,
                     const summary_references& references, const rates& against_human,
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

void report_rivals(const std::vector<policy_summaries>& policies,
                   const std::vector<std::array<std::size_t, 2>>& pairs, const rates& found,
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
  for (std::size_t k = 0; k < pairs.size(); ++k) {
    for (std::size_t t = 0; t < references.temperatures.size(); ++t) {
      const auto& rate = found[k][t];
      std::vector<std::string> row{policies[pairs[k][0]].name, policies[pairs[k][1]].name,
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
  const std::size_t temperatures = references.temperatures.size();
  const auto pairs = rivals(policies);
  rates against_human;
  rates against_rival;
  std::optional<prefopt::chat_usage> usage;
  if (!judge.url.empty()) {
    judging asked(judge, chosen,
                  (policies.size() + pairs.size()) * temperatures * what.eval_prompts.size());
    const auto compare = [&](const std::vector<prefopt::scored_response>& first,
                             const std::vector<prefopt::scored_response>* second) {
      std::vector<prefopt::comparison> comparisons;
      for (std::size_t i = 0; i < first.size(); ++i) {
        const auto& reference = references.by_prompt.at(first[i].prompt);
        comparisons.push_back({reference.post, trimmed(first[i].text),
                               trimmed(second != nullptr ? (*second)[i].text : reference.summary)});
      }
      return asked.compare(comparisons);
    };
    for (const auto& policy : policies) {
      auto& row = against_human.emplace_back();
      for (std::size_t t = 0; t < temperatures; ++t) {
        row.push_back(compare(policy.by_temperature[t], nullptr));
      }
    }
    for (const auto& [a, b] : pairs) {
      auto& row = against_rival.emplace_back();
      for (std::size_t t = 0; t < temperatures; ++t) {
        row.push_back(compare(policies[a].by_temperature[t], &policies[b].by_temperature[t]));
      }
    }
    usage = asked.finish();
  }
  report_policies(policies, references, against_human, chosen, what);
  if (!against_rival.empty()) report_rivals(policies, pairs, against_rival, references, chosen);
  report_log_probs(policies, chosen);
  if (usage) print_usage(*usage, judge);
}

}  // namespace experiment
