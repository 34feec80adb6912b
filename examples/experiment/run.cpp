#include "run.hpp"

#include <chrono>
#include <filesystem>
#include <iostream>
#include <map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <prefopt/core/atomic_file.hpp>
#include <prefopt/core/error.hpp>
#include <prefopt/core/stale_temporaries.hpp>
#include <prefopt/model/json_file.hpp>
#include <prefopt/text/tokenize_dataset.hpp>

#include "report.hpp"
#include "responses.hpp"
#include "stopped.hpp"
#include "sweep.hpp"
#include "training.hpp"

namespace experiment {
namespace {

namespace fs = std::filesystem;

class stopwatch {
 public:
  [[nodiscard]] double seconds() const {
    return std::chrono::duration<double>(clock::now() - began_).count();
  }

 private:
  using clock = std::chrono::steady_clock;
  clock::time_point began_ = clock::now();
};

void say(const std::string& text) {
  std::cerr << text << std::endl;
}

/// The reference: the model as it came, or after fine-tuning on the task's texts.
void prepare_reference(language& base, const options& chosen, const task& what) {
  if (!chosen.sft) return;
  const fs::path folder = fs::path(chosen.out) / "sft";
  if (fs::exists(folder / "checkpoint" / "config.json")) {
    say("fine-tuning on texts: done before");
    base = open_language(folder / "checkpoint");
    return;
  }
  fine_tune(base, what.sft_texts, chosen, folder / "run");
  save_language(folder / "checkpoint", base.model, base);
  fs::remove_all(folder / "run" / "checkpoints");
}

evaluation evaluate_reference(language& base, const options& chosen, const task& what) {
  const fs::path folder = fs::path(chosen.out) / "before";
  if (fs::exists(folder / "result.json")) return read_result(folder / "result.json", {}).values;
  fs::create_directories(folder);
  const stopwatch watch;
  point_result result;
  result.point.method = "before";
  result.values = evaluate(base, nullptr, chosen, what, "before", folder / "responses.jsonl");
  result.evaluation_seconds = watch.seconds();
  write_result(folder / "result.json", result);
  return result.values;
}

prefopt::preference_dataset make_pairs(language& base, const options& chosen, const task& what) {
  const fs::path out = chosen.out;
  const auto responses =
      stored_responses(base, {what.prompts, chosen.responses, chosen.seed, "responses"}, chosen,
                       what, out / "responses");
  const drawn_pairs drawn = draw_pairs(responses, chosen);
  if (drawn.pairs.empty()) {
    throw prefopt::error(
        "no pair could be made of the responses: all scores of a prompt are equal");
  }
  write_pairs(out / "pairs.jsonl", responses, drawn.pairs);
  prefopt::tokenized_dataset made = prefopt::tokenize_responses(
      std::span<const prefopt::scored_response>(responses),
      std::span<const prefopt::ranked_pair>(drawn.pairs), base.tokenizer);
  say(
      fmt::format("pairs: {} of {} responses to {} prompts; {} ties and {} pairs of equal tokens "
                  "left out",
                  made.data.pairs.size(), responses.size(), made.data.prompts.size(), drawn.ties,
                  made.identical_pairs));
  return std::move(made.data);
}

point_result run_point(language& base, const prefopt::preference_dataset& all,
                       const sweep_point& point, const options& chosen, const task& what) {
  const fs::path folder = fs::path(chosen.out) / "points" / point.name();
  if (fs::exists(folder / "result.json")) {
    say(point.name() + ": done before");
    return read_result(folder / "result.json", point);
  }
  fs::create_directories(folder);
  prefopt::remove_stale_temporaries(folder);
  point_result result;
  result.point = point;
  language policy{base.model, base.tokenizer, base.description};
  const stopwatch training;
  train_policy(policy.model, choose_pairs(all, point), point, chosen, folder / "run",
               fs::path(chosen.out) / fmt::format("reference_{}_{}.json", point.pairs,
                                                  point.pairs == 0 ? 0 : point.seed));
  result.training_seconds = training.seconds();
  const stopwatch watch;
  result.values =
      evaluate(policy, &base.model, chosen, what, point.name(), folder / "responses.jsonl");
  result.evaluation_seconds = watch.seconds();
  if (chosen.keep_models) save_language(folder / "checkpoint", policy.model, base);
  write_result(folder / "result.json", result);
  fs::remove_all(folder / "run" / "checkpoints");  // the point is done: nothing to resume
  return result;
}

}  // namespace

run_identity identity_of(const options& o) {
  const auto text = [](const auto& value) { return fmt::format("{}", value); };
  return {{"--model", fs::exists(o.model) ? fs::canonical(o.model).string() : o.model},
          {"--seed", text(o.seed)},
          {"--prompts", text(o.prompts)},
          {"--responses", text(o.responses)},
          {"--max-new-tokens", text(o.max_new_tokens)},
          {"--temperature", text(o.temperature)},
          {"--top-p", text(o.top_p)},
          {"--top-k", text(o.top_k)},
          {"--pair-sampler", o.pair_sampler},
          {"--pairs-per-prompt", text(o.pairs_per_prompt)},
          {"--epsilon", text(o.epsilon)},
          {"--optimizer", o.optimizer},
          {"--schedule", o.schedule},
          {"--learning-rate", text(o.learning_rate)},
          {"--warmup-steps", text(o.warmup_steps)},
          {"--clip", text(o.clip)},
          {"--batch", text(o.batch)},
          {"--accumulate", text(o.accumulate)},
          {"--epochs", text(o.epochs)},
          {"--sft", text(o.sft)},
          {"--sft-texts", text(o.sft_texts)},
          {"--sft-tokens", text(o.sft_tokens)},
          {"--sft-batch", text(o.sft_batch)},
          {"--sft-epochs", text(o.sft_epochs)},
          {"--sft-learning-rate", text(o.sft_learning_rate)},
          {"--eval-prompts", text(o.eval_prompts)},
          {"--eval-responses", text(o.eval_responses)},
          {"--interval", text(o.interval)}};
}

void check_run(const options& chosen, const run_identity& settings) {
  const fs::path file = fs::path(chosen.out) / "settings.json";
  if (fs::exists(file)) {
    if (!chosen.resume) {
      throw prefopt::usage_error("--out " + chosen.out +
                                 " holds a run already; --resume goes on with it");
    }
    const auto stored = prefopt::read_checkpoint_json(file);
    for (const auto& [name, value] : settings) {
      const std::string before =
          stored.contains(name) && stored[name].is_string() ? stored[name].get<std::string>() : "";
      if (before == value) continue;
      throw prefopt::usage_error("--resume: the run in " + chosen.out + " has " + name + " " +
                                 before + ", not " + value);
    }
    return;
  }
  if (fs::exists(chosen.out) && (!fs::is_directory(chosen.out) || !fs::is_empty(chosen.out))) {
    throw prefopt::usage_error("--out " + chosen.out + " is not empty, and holds no run");
  }
}

void start_run(const options& chosen, const run_identity& settings) {
  const fs::path file = fs::path(chosen.out) / "settings.json";
  if (fs::exists(file)) {
    prefopt::remove_stale_temporaries(chosen.out);
    return;
  }
  if (chosen.resume) say("no run in " + chosen.out + " yet: starting one");
  std::error_code problem;
  fs::create_directories(chosen.out, problem);
  if (problem) {
    throw prefopt::usage_error("--out " + chosen.out + " cannot be made: " + problem.message());
  }
  nlohmann::ordered_json json;
  for (const auto& [name, value] : settings) json[name] = value;
  prefopt::write_file_atomically(file, json.dump(2) + "\n");
}

bool run_experiment(language& base, const options& chosen, const task& what) {
  const stopwatch watch;
  prepare_reference(base, chosen, what);
  const evaluation before = evaluate_reference(base, chosen, what);
  say("reward before: " + fmt::format("{:.3f}", before.reward.mean));
  const prefopt::preference_dataset all = make_pairs(base, chosen, what);
  const std::vector<sweep_point> points = sweep_points(chosen);
  for (const sweep_point& point : points) require_pairs(all, point);
  std::vector<point_result> results;
  for (std::size_t i = 0; i < points.size(); ++i) {
    say(fmt::format("point {} of {}: {}", i + 1, points.size(), points[i].name()));
    stop_if_asked();
    results.push_back(run_point(base, all, points[i], chosen, what));
    say(fmt::format("{}: reward {:.3f}, KL {:.2f} nats", points[i].name(),
                    results.back().values.reward.mean, results.back().values.kl.mean));
  }
  report(before, results, chosen, what);
  std::cout << fmt::format("Time: {:.0f} s\n", watch.seconds());
  bool risen = true;
  for (const point_result& r : results) {
    risen = risen && r.values.reward.low > before.reward.high;
  }
  return risen;
}

}  // namespace experiment
