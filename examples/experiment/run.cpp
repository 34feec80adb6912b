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
#include <prefopt/eval/training_plot.hpp>
#include <prefopt/model/json_file.hpp>
#include <prefopt/text/tokenize_dataset.hpp>
#include <prefopt/train/content_hash.hpp>

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

constexpr const char* content_suffix = " content";

/// Time of a run's steps, over all of its sessions.
double seconds_of_steps(const fs::path& metrics) {
  double sum = 0;
  for (const auto& point : prefopt::read_training_curve(metrics, "").points) {
    const auto seconds = point.metrics.find("step_seconds");
    if (seconds != point.metrics.end()) sum += seconds->second;
  }
  return sum;
}

void say(const std::string& text) {
  std::cerr << text << std::endl;
}

/// The reference: the model as it came, or after fine-tuning on the task's texts.
void prepare_reference(language& base, const options& chosen, const task& what) {
  if (!chosen.sft) return;
  const fs::path folder = fs::path(chosen.out) / "sft";
  if (fs::exists(folder / "checkpoint" / "config.json")) {
    say("fine-tuning on texts: done before");
    base = open_language(folder / "checkpoint", base.on);
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
  if (what.evaluate_more) what.evaluate_more(base, "before", folder);
  result.evaluation_seconds = watch.seconds();
  write_result(folder / "result.json", result);
  return result.values;
}

prefopt::preference_dataset make_pairs(language& base, const options& chosen, const task& what) {
  const fs::path out = chosen.out;
  const sampling_request request{what.prompts, chosen.responses, chosen.seed, chosen.sampling,
                                 "responses"};
  const auto responses = what.given.empty()
                             ? stored_responses(base, request, chosen, what, out / "responses")
                             : what.given;
  const drawn_pairs drawn = draw_pairs(responses, chosen);
  if (drawn.pairs.empty()) {
    throw prefopt::error(
        "no pair could be made of the responses: all scores of a prompt are equal");
  }
  write_pairs(out / "pairs.jsonl", responses, drawn.pairs);
  prefopt::tokenized_dataset made = prefopt::tokenize_responses(
      std::span<const prefopt::scored_response>(responses),
      std::span<const prefopt::ranked_pair>(drawn.pairs), plain_tokenizer{base.tokenizer});
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
  language policy{base.model, base.tokenizer, base.description, base.on};
  train_policy(policy, choose_pairs(all, point), point, chosen, folder / "run",
               fs::path(chosen.out) / fmt::format("reference_{}_{}.json", point.pairs,
                                                  point.pairs == 0 ? 0 : point.seed));
  result.training_seconds = seconds_of_steps(folder / "run" / "metrics.jsonl");
  const stopwatch watch;
  result.values =
      evaluate(policy, &base.model, chosen, what, point.name(), folder / "responses.jsonl");
  if (what.evaluate_more) what.evaluate_more(policy, point.name(), folder);
  result.evaluation_seconds = watch.seconds();
  if (chosen.keep_models) save_language(folder / "checkpoint", policy.model, base);
  write_result(folder / "result.json", result);
  fs::remove_all(folder / "run" / "checkpoints");  // the point is done: nothing to resume
  return result;
}

}  // namespace

run_setting file_setting(const std::string& name, const std::string& path) {
  if (path.empty() || !fs::exists(path)) return {name, path};
  return {name, fs::canonical(path).string(), prefopt::hash_of_files(path)};
}

run_identity identity_of(const options& o) {
  const auto text = [](const auto& value) { return fmt::format("{}", value); };
  return {file_setting("--model", o.model),
          {"--seed", text(o.seed)},
          {"--prompts", text(o.prompts)},
          {"--responses", text(o.responses)},
          {"--max-new-tokens", text(o.max_new_tokens)},
          {"--temperature", text(o.sampling.temperature)},
          {"--top-p", text(o.sampling.top_p)},
          {"--top-k", text(o.sampling.top_k)},
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
          {"--eval-temperature", text(o.eval_sampling.temperature)},
          {"--eval-top-p", text(o.eval_sampling.top_p)},
          {"--eval-top-k", text(o.eval_sampling.top_k)},
          {"--kl-counting", o.kl_counting},
          {"--interval", text(o.interval)},
          {"--precision", o.on.precision}};
}

void check_run(const options& chosen, const run_identity& settings) {
  const fs::path file = fs::path(chosen.out) / "settings.json";
  if (fs::exists(file)) {
    if (!chosen.resume) {
      throw prefopt::usage_error("--out " + chosen.out +
                                 " holds a run already; --resume goes on with it");
    }
    const auto stored = prefopt::read_checkpoint_json(file);
    const auto before = [&](const std::string& name) {
      return stored.contains(name) && stored[name].is_string() ? stored[name].get<std::string>()
                                                               : std::string();
    };
    for (const run_setting& setting : settings) {
      const std::string& name = setting.name;
      if (setting.content.empty() && before(name) == setting.value) continue;
      if (!setting.content.empty() && before(name + content_suffix) == setting.content) continue;
      const bool same_name = before(name) == setting.value;
      throw prefopt::usage_error(
          "--resume: the run in " + chosen.out + " has " + name + " " + before(name) + ", " +
          (same_name ? "but its content is another now" : "not " + setting.value));
    }
    return;
  }
  // A run that was killed before its settings were whole has left no more than a part of them.
  if (chosen.resume && fs::is_directory(chosen.out)) prefopt::remove_stale_temporaries(chosen.out);
  if (fs::exists(chosen.out) && (!fs::is_directory(chosen.out) || !fs::is_empty(chosen.out))) {
    throw prefopt::usage_error("--out " + chosen.out + " is not empty, and holds no run");
  }
}

prefopt::folder_lock start_run(const options& chosen, const run_identity& settings) {
  const fs::path file = fs::path(chosen.out) / "settings.json";
  if (fs::exists(file)) {
    prefopt::folder_lock lock(chosen.out);
    prefopt::remove_stale_temporaries(chosen.out);
    return lock;
  }
  if (chosen.resume) say("no run in " + chosen.out + " yet: starting one");
  std::error_code problem;
  fs::create_directories(chosen.out, problem);
  if (problem) {
    throw prefopt::usage_error("--out " + chosen.out + " cannot be made: " + problem.message());
  }
  prefopt::folder_lock lock(chosen.out);
  nlohmann::ordered_json json;
  for (const run_setting& setting : settings) {
    json[setting.name] = setting.value;
    if (!setting.content.empty()) json[setting.name + content_suffix] = setting.content;
  }
  prefopt::write_file_atomically(file, json.dump(2) + "\n");
  return lock;
}

bool run_experiment(language& base, const options& chosen, const task& what) {
  const stopwatch watch;
  prepare_reference(base, chosen, what);
  const evaluation before = evaluate_reference(base, chosen, what);
  say("reward before: " + fmt::format("{:.3f}", before.reward.mean));
  const prefopt::preference_dataset all = make_pairs(base, chosen, what);
  if (what.on_pairs) what.on_pairs(all);
  const std::vector<sweep_point> points = sweep_points(chosen);
  for (const sweep_point& point : points) require_pairs(all, point);
  std::vector<point_result> results;
  for (std::size_t i = 0; i < points.size(); ++i) {
    say(fmt::format("point {} of {}: {}", i + 1, points.size(), points[i].name()));
    stop_if_asked();
    results.push_back(run_point(base, all, points[i], chosen, what));
    const evaluation& found = results.back().values;
    say(fmt::format("{}: reward {:.3f}", points[i].name(), found.reward.mean) +
        (found.kl.count > 0 ? fmt::format(", KL {:.2f} nats", found.kl.mean) : ""));
  }
  report(before, results, chosen, what);
  if (what.report_more) what.report_more(results);
  std::cout << fmt::format("Time: {:.0f} s{}\n", watch.seconds(),
                           chosen.resume ? " in this session" : "");
  bool risen = true;
  for (const point_result& r : results) {
    risen = risen && r.values.reward.low > before.reward.high;
  }
  return risen;
}

}  // namespace experiment
