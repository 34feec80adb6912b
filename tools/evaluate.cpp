#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <prefopt/core/error.hpp>
#include <prefopt/core/progress.hpp>
#include <prefopt/data/json_row.hpp>
#include <prefopt/data/response_batch.hpp>
#include <prefopt/eval/bootstrap.hpp>
#include <prefopt/eval/kl.hpp>
#include <prefopt/eval/report.hpp>

#include "commands.hpp"
#include "support/language.hpp"
#include "support/row_output.hpp"
#include "support/run_settings.hpp"
#include "support/scored_rows.hpp"
#include "support/stopped.hpp"
#include "support/text_coding.hpp"

namespace tools {
namespace {

struct settings {
  std::string input;
  std::string output = "-";
  std::string model;
  std::filesystem::path adapter;
  std::string reference;
  std::string against;
  prefopt::bootstrap_options interval;
  std::size_t seed = 1;
  text_settings text;
  run_settings run;
};

/// What was measured, with its interval.
struct measure {
  std::string name;
  prefopt::mean_estimate estimate;
};

/// Values with the prompt that each belongs to: prompts are drawn with all their responses.
struct clustered {
  std::vector<double> values;
  std::vector<std::size_t> prompts;

  void add(double value, std::size_t prompt) {
    values.push_back(value);
    prompts.push_back(prompt);
  }
  [[nodiscard]] prefopt::mean_estimate mean(const prefopt::bootstrap_options& how) const {
    return prefopt::bootstrap_mean(values, prompts, how);
  }
};

void add_reward(const settings& chosen, std::span<const scored_prompt> prompts,
                std::vector<measure>& out) {
  clustered scores;
  std::size_t without = 0;
  for (std::size_t p = 0; p < prompts.size(); ++p) {
    for (const scored_row& row : prompts[p].responses) {
      if (row.score) {
        scores.add(*row.score, p);
      } else {
        ++without;
      }
    }
  }
  if (scores.values.empty()) return;
  if (without > 0) {
    throw prefopt::usage_error(
        fmt::format("{}: {} rows have no score, the others have one", chosen.input, without));
  }
  out.push_back({"reward", scores.mean(chosen.interval)});
}

/// The k-th response to a prompt in one file against the k-th in the other, by their scores.
void add_win_rate(const settings& chosen, std::span<const scored_prompt> prompts,
                  std::vector<measure>& out) {
  std::map<std::string, std::vector<scored_row>> others;
  for (scored_prompt& other : read_scored_prompts(chosen.against, true)) {
    others[other.prompt] = std::move(other.responses);
  }
  clustered wins;
  std::size_t unmatched = 0;
  for (std::size_t p = 0; p < prompts.size(); ++p) {
    const auto found = others.find(prompts[p].prompt);
    const auto& ours = prompts[p].responses;
    for (std::size_t k = 0; k < ours.size(); ++k) {
      if (!ours[k].score) {
        throw prefopt::data_error(chosen.input, ours[k].line, "score",
                                  "is missing; prefopt score puts it there");
      }
      if (found == others.end() || k >= found->second.size()) {
        ++unmatched;
        continue;
      }
      const double a = *ours[k].score;
      const double b = *found->second[k].score;
      wins.add(a > b ? 1.0 : a == b ? 0.5 : 0.0, p);
    }
  }
  if (wins.values.empty()) {
    throw prefopt::usage_error(chosen.input + " and " + chosen.against +
                               " have no prompt in common");
  }
  if (unmatched > 0) {
    std::cerr << fmt::format("{} responses have none against them in {}\n", unmatched,
                             chosen.against);
  }
  out.push_back({"win_rate", wins.mean(chosen.interval)});
}

struct kl_texts {
  std::vector<prefopt::token_sequence> prompts;  // one a row
  std::vector<prefopt::token_sequence> responses;
};

kl_texts read_texts(const settings& chosen, const text_coding& coding, std::size_t window) {
  kl_texts texts;
  prefopt::for_each_json_row(chosen.input, [&](const prefopt::json_row& row) {
    stop_if_asked();
    auto prompt = coding.read_prompt(row).ids;
    auto response = coding.read_response(row);
    if (prompt.size() + response.size() > window) {
      row.fail("response", fmt::format("has {} tokens after a prompt of {}; the window is {}",
                                       response.size(), prompt.size(), window));
    }
    texts.prompts.push_back(std::move(prompt));
    texts.responses.push_back(std::move(response));
  });
  return texts;
}

void add_divergence(const settings& chosen, std::vector<measure>& out) {
  const opened_language opened = open_language(chosen.model);
  const opened_language opened_reference = open_language(chosen.reference);
  const text_coding coding(opened, chosen.text);
  const kl_texts texts = read_texts(chosen, coding,
                                    std::min(opened.checkpoint.config.max_positions,
                                             opened_reference.checkpoint.config.max_positions));
  if (texts.prompts.empty()) throw prefopt::usage_error(chosen.input + " has no rows");
  prefopt::eigen_transformer policy = load_model(opened, chosen.adapter);
  prefopt::eigen_transformer reference = load_model(opened_reference);
  prefopt::progress shown("divergence", texts.prompts.size(), chosen.run.progress());
  std::map<prefopt::token_sequence, std::size_t> places;
  clustered exact;
  clustered k1;
  clustered k3;
  clustered tokens;
  for (std::size_t begin = 0; begin < texts.prompts.size();) {
    stop_if_asked();
    prefopt::response_batch batch;
    batch.groups.push_back({texts.prompts[begin], {}});
    std::size_t end = begin;
    while (end < texts.prompts.size() && texts.prompts[end] == texts.prompts[begin]) {
      batch.groups.back().responses.emplace_back(texts.responses[end++]);
    }
    const auto kl =
        prefopt::kl_divergence(policy, reference, batch, {.bootstrap = {.resamples = 1}});
    const std::size_t prompt = places.emplace(texts.prompts[begin], places.size()).first->second;
    for (const prefopt::response_kl& each : kl.responses) {
      exact.add(each.exact, prompt);
      k1.add(each.k1, prompt);
      k3.add(each.k3, prompt);
      tokens.add(static_cast<double>(each.tokens), prompt);
    }
    begin = end;
    shown.update(begin);
  }
  shown.finish();
  out.push_back({"kl", exact.mean(chosen.interval)});
  out.push_back({"kl_k1", k1.mean(chosen.interval)});
  out.push_back({"kl_k3", k3.mean(chosen.interval)});
  out.push_back({"tokens", tokens.mean(chosen.interval)});
}

void evaluate(settings chosen) {
  chosen.run.apply();
  chosen.interval.seed = chosen.seed;
  if (chosen.model.empty() != chosen.reference.empty()) {
    throw prefopt::usage_error("--model and --reference go together: they are compared");
  }
  std::vector<measure> measures;
  if (!chosen.model.empty()) add_divergence(chosen, measures);
  const auto prompts = read_scored_prompts(chosen.input, false);
  add_reward(chosen, prompts, measures);
  if (!chosen.against.empty()) add_win_rate(chosen, prompts, measures);
  if (measures.empty()) {
    throw prefopt::usage_error(chosen.input +
                               ": nothing to measure; give --model and --reference, or rows with "
                               "score");
  }
  row_output out(chosen.output);
  for (const measure& each : measures) {
    out.write({{"measure", each.name},
               {"mean", each.estimate.mean},
               {"low", each.estimate.low},
               {"high", each.estimate.high},
               {"responses", each.estimate.count}});
  }
  out.commit();
  if (chosen.run.quiet) return;
  prefopt::table shown({{"measure"}, {fmt::format("mean [{} interval]", chosen.interval.level)}});
  for (const measure& each : measures) {
    shown.add_row({each.name, prefopt::format_estimate(each.estimate)});
  }
  std::cerr << prefopt::to_text(shown);
}

}  // namespace

std::function<void()> define_evaluate(command& to) {
  auto chosen = std::make_shared<settings>();
  to.describe(
      "Rows {\"measure\", \"mean\", \"low\", \"high\", \"responses\"} with bootstrap intervals "
      "that draw\n"
      "whole prompts: reward, the mean score; win_rate, of the k-th response to a prompt against "
      "the\n"
      "k-th in another scored file (a tie is half); kl, the exact divergence of --model from\n"
      "--reference at the responses, which must be sampled from --model at temperature 1 with\n"
      "nothing cut off, in nats a response, with its estimates k1 and k3.",
      "prefopt evaluate --input scored.jsonl --model runs/odpo/checkpoint --reference gpt2");
  to.add("--input", chosen->input, "JSON Lines: prompt, response, response_ids, score").required();
  to.add("--output", chosen->output, "JSON Lines; -: standard output");
  to.add("--model", chosen->model, "the policy that the responses are from");
  to.add("--adapter", chosen->adapter, "an adapter of --model, a folder as PEFT writes it");
  to.add("--reference", chosen->reference, "what it is compared with");
  to.add("--against", chosen->against, "scored responses of another model to the same prompts");
  to.add("--interval", chosen->interval.level, "level of the intervals").between(0.5, 0.999);
  to.add("--seed", chosen->seed, "of the bootstrap");
  to.group("Texts");
  add_response_options(to, chosen->text);
  add_options(to, chosen->run);
  return [chosen] { evaluate(*chosen); };
}

}  // namespace tools
