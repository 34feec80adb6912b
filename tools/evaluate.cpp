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
#include <prefopt/data/json_row.hpp>
#include <prefopt/eval/bootstrap.hpp>
#include <prefopt/eval/kl.hpp>
#include <prefopt/eval/report.hpp>

#include "commands.hpp"
#include "support/divergence.hpp"
#include "support/input_rows.hpp"
#include "support/language.hpp"
#include "support/ranks.hpp"
#include "support/row_output.hpp"
#include "support/run_settings.hpp"
#include "support/scored_rows.hpp"
#include "support/text_coding.hpp"

namespace tools {
namespace {

struct evaluate_settings {
  std::string input;
  std::string output = "-";
  bool resume = false;
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

void add_reward(const evaluate_settings& chosen, std::span<const scored_prompt> prompts,
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
void add_win_rate(const evaluate_settings& chosen, std::span<const scored_prompt> prompts,
                  std::vector<measure>& out) {
  std::map<std::string, std::vector<scored_row>> others;
  for (const scored_prompt& other : read_scored_prompts(chosen.against, true)) {
    auto& list = others[other.prompt];
    list.insert(list.end(), other.responses.begin(), other.responses.end());
  }
  clustered wins;
  std::map<std::string, std::size_t> passed;  // responses to a text, which may be several prompts
  std::size_t unmatched = 0;
  for (std::size_t p = 0; p < prompts.size(); ++p) {
    const auto found = others.find(prompts[p].prompt);
    const auto& ours = prompts[p].responses;
    for (std::size_t k = 0; k < ours.size(); ++k) {
      if (!ours[k].score) {
        throw prefopt::data_error(chosen.input, ours[k].line, "score",
                                  "is missing; prefopt score puts it there");
      }
      const std::size_t place = passed[prompts[p].prompt]++;
      if (found == others.end() || place >= found->second.size()) {
        ++unmatched;
        continue;
      }
      const double a = *ours[k].score;
      const double b = *found->second[place].score;
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

/// The models that are compared, and the rows as their tokens.
struct comparison {
  opened_language policy;
  opened_language reference;
  text_coding coding;
  kl_rows texts;

  explicit comparison(const evaluate_settings& chosen)
      : policy(open_language(chosen.model)),
        reference(open_language(chosen.reference)),
        coding(policy, chosen.text) {}

  void add(const prefopt::json_row& row) {
    const std::size_t window =
        std::min(policy.checkpoint.config.max_positions, reference.checkpoint.config.max_positions);
    auto prompt = coding.read_prompt(row).ids;
    auto response = coding.read_response(row);
    if (prompt.size() + response.size() > window) {
      row.fail("response", fmt::format("has {} tokens after a prompt of {}; the window is {}",
                                       response.size(), prompt.size(), window));
    }
    texts.prompts.push_back(std::move(prompt));
    texts.responses.push_back(std::move(response));
  }
};

void add_divergence(const evaluate_settings& chosen, const comparison& compared, const device& on,
                    std::vector<measure>& out, std::optional<row_output>& kept) {
  const kl_rows& texts = compared.texts;
  prefopt::any_transformer policy = load_model(compared.policy, on, chosen.adapter);
  prefopt::any_transformer reference = load_model(compared.reference, on);
  if (keeps_rows(chosen.output) || chosen.resume) {  // which is refused for other outputs
    kept.emplace(chosen.output, identity_of(policy, reference, texts, chosen.run.on),
                 chosen.resume);
  }
  const auto found = measure_divergence(policy, reference, texts, chosen.run.progress(), kept);
  std::map<prefopt::token_sequence, std::size_t> places;
  clustered exact;
  clustered k1;
  clustered k3;
  clustered tokens;
  for (std::size_t i = 0; i < found.size(); ++i) {
    const std::size_t prompt = places.emplace(texts.prompts[i], places.size()).first->second;
    exact.add(found[i].exact, prompt);
    k1.add(found[i].k1, prompt);
    k3.add(found[i].k3, prompt);
    tokens.add(static_cast<double>(found[i].tokens), prompt);
  }
  out.push_back({"kl", exact.mean(chosen.interval)});
  out.push_back({"kl_k1", k1.mean(chosen.interval)});
  out.push_back({"kl_k3", k3.mean(chosen.interval)});
  out.push_back({"tokens", tokens.mean(chosen.interval)});
}

void evaluate(evaluate_settings chosen) {
  chosen.run.apply();
  chosen.interval.seed = chosen.seed;
  if (chosen.model.empty() != chosen.reference.empty()) {
    throw prefopt::usage_error("--model and --reference go together: they are compared");
  }
  if (chosen.resume && chosen.model.empty()) {
    throw prefopt::usage_error("--resume needs --model: only the divergence takes long");
  }
  if (chosen.input == "-" && chosen.against == "-") {
    throw prefopt::usage_error("--input and --against cannot both be standard input");
  }
  std::optional<device> on;  // first: it may be what joins several processes
  if (!chosen.model.empty()) on = chosen.run.open_device();
  if (finished_before(chosen.output, chosen.resume)) return;
  std::vector<measure> measures;
  std::optional<row_output> kept;
  std::optional<comparison> compared;
  if (!chosen.model.empty()) compared.emplace(chosen);
  scored_prompts read(false);
  for_each_row(chosen.input, [&](const prefopt::json_row& row) {
    read.add(row);
    if (compared) compared->add(row);
  });
  const std::vector<scored_prompt> prompts = read.take();
  if (compared) add_divergence(chosen, *compared, *on, measures, kept);
  if (ranks().rank() != 0) return;  // the others have no part in the rest
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
  if (kept) kept->drop();
  if (chosen.run.quiet) return;
  prefopt::table shown({{"measure"}, {fmt::format("mean [{} interval]", chosen.interval.level)}});
  for (const measure& each : measures) {
    shown.add_row({each.name, prefopt::format_estimate(each.estimate)});
  }
  std::cerr << prefopt::to_text(shown);
}

}  // namespace

std::function<void()> define_evaluate(command& to) {
  auto chosen = std::make_shared<evaluate_settings>();
  to.describe(
      "Rows {\"measure\", \"mean\", \"low\", \"high\", \"responses\"} with bootstrap intervals "
      "that draw\n"
      "whole prompts: reward, the mean score; win_rate, of the k-th response to a prompt against "
      "the\n"
      "k-th in another scored file (a tie is half); kl, the exact divergence of --model from\n"
      "--reference at the responses, which must be sampled from --model at temperature 1 with\n"
      "nothing cut off, in nats a response, with its estimates k1 and k3.",
      "prefopt evaluate --input scored.jsonl --model runs/odpo/checkpoint --reference gpt2");
  to.add("--input", chosen->input,
         "JSON Lines: prompt, response, response_ids, score; -: standard input")
      .required();
  to.add("--output", chosen->output, "JSON Lines; -: standard output");
  to.flag("--resume", chosen->resume,
          "go on with a divergence that was stopped, from OUTPUT.partial");
  to.resumes_when([chosen] { return keeps_rows(chosen->output) && !chosen->model.empty(); });
  to.add("--model", chosen->model, "the policy that the responses are from");
  to.add("--adapter", chosen->adapter, "an adapter of --model, a folder as PEFT writes it");
  to.add("--reference", chosen->reference, "what it is compared with");
  to.add("--against", chosen->against, "scored responses of another model to the same prompts");
  to.add("--interval", chosen->interval.level, "level of the intervals").between(0.5, 0.999);
  to.add("--seed", chosen->seed, "of the bootstrap");
  to.shares_work();
  to.group("Texts");
  add_token_options(to, chosen->text);
  add_response_options(to, chosen->text);
  add_options(to, chosen->run);
  return [chosen] { evaluate(*chosen); };
}

}  // namespace tools
