#include "training_settings.hpp"

#include <fmt/format.h>

#include <prefopt/core/error.hpp>
#include <prefopt/eval/report.hpp>
#include <prefopt/eval/training_plot.hpp>
#include <prefopt/train/schedule.hpp>

#include "output_path.hpp"
#include "ranks.hpp"

namespace tools {

namespace fs = std::filesystem;

void add_output_options(command& to, training_settings& settings) {
  to.add("--out", settings.out, "folder for everything that the run writes").required();
  to.flag("--resume", settings.resume, "go on with the run in --out after its last checkpoint");
  to.add("--save-every", settings.save_every, "steps between checkpoints; 0: at the end");
  to.add("--evaluate-every", settings.evaluate_every,
         "steps between looks at the held-out data; 0: at the end");
  to.add("--dtype", settings.dtype, "of the weights in the model that is written")
      .one_of({"float32", "float16", "bfloat16"});
}

void add_optimization_options(command& to, training_settings& settings,
                              const std::string& examples) {
  to.group("Optimization");
  to.add("--epochs", settings.epochs, "passes over the " + examples).at_least(1);
  to.add("--max-steps", settings.max_steps, "stop after so many steps; 0: --epochs decides");
  to.add("--batch", settings.batch, examples + " a step").at_least(1);
  to.add("--accumulate", settings.accumulate, "parts that a step is computed in, for less memory")
      .at_least(1);
  to.add("--part-tokens", settings.part_tokens,
         "most tokens of a part: one with more is cut, as long as it has several " + examples +
             "; 0: no limit");
  to.flag("--checkpoint-activations", settings.checkpoint_activations,
          "keep each layer's input alone and compute the rest again: less memory, more time");
  to.add("--learning-rate", settings.learning_rate, "the schedule's peak");
  to.add("--warmup-steps", settings.warmup_steps, "steps of linear warm-up");
  to.add("--schedule", settings.schedule, "of the rate after the warm-up")
      .one_of({"constant", "linear", "cosine"});
  to.add("--clip", settings.clip, "largest gradient norm; 0: no clipping");
  to.add("--optimizer", settings.optimizer, "which").one_of({"adamw", "rmsprop", "sgd"});
  to.add("--weight-decay", settings.weight_decay, "adamw: of matrices");
  to.add_seed(settings.seed, "of the order of the " + examples);
}

void check_out(const training_settings& settings) {
  if (ranks().rank() != 0) return;  // the first alone writes there
  if (!settings.resume && fs::exists(settings.out / "metrics.jsonl")) {
    throw prefopt::usage_error("--out " + settings.out.string() +
                               " holds a run already; --resume goes on with it");
  }
  if (fs::exists(settings.out) && !fs::is_directory(settings.out)) {
    throw prefopt::usage_error("--out " + settings.out.string() + " is a file; expected a folder");
  }
  if (!fs::exists(settings.out)) return;
  for (const char* name : {"checkpoint", "adapter"}) {
    check_output_folder("--out", settings.out / name);
  }
}

memory_plan memory_plan_of(const training_settings& settings, double trained, std::size_t tokens,
                           memory_place place) {
  return {.trained = trained,
          .tokens = tokens,
          .optimizer = settings.optimizer,
          .place = place,
          .checkpoints = settings.checkpoint_activations};
}

prefopt::training_options training_options_of(const training_settings& settings,
                                              const run_settings& run, const std::string& label) {
  if (!(settings.weight_decay >= 0.0)) {
    throw prefopt::usage_error("--weight-decay must not be negative");
  }
  prefopt::training_options options;
  options.epochs = settings.epochs;
  options.max_steps = settings.max_steps;
  options.batch_size = settings.batch;
  options.accumulation = settings.accumulate;
  options.part_tokens = settings.part_tokens;
  options.seed = settings.seed;
  options.learning_rate = settings.learning_rate;
  options.schedule = prefopt::schedule_named(settings.schedule);
  options.warmup_steps = settings.warmup_steps;
  options.max_gradient_norm = settings.clip;
  options.folder = settings.out;
  options.resume = settings.resume;
  options.checkpoint_every = settings.save_every;
  options.evaluate_every = settings.evaluate_every;
  options.label = label;
  options.progress = run.progress();
  prefopt::validate(options);
  return options;
}

prefopt::any_optimizer optimizer_of(const training_settings& settings, const device& on) {
  return on.optimizer(settings.optimizer, settings.weight_decay);
}

std::string training_report(const fs::path& out, std::span<const char* const> metrics) {
  const auto curve =
      prefopt::read_training_curve(out / "metrics.jsonl", fs::path(out).filename().string());
  const auto cell = [&](const std::string& metric, bool last) {
    std::string text = "-";
    for (const auto& point : curve.points) {
      const auto found = point.metrics.find(metric);
      if (found != point.metrics.end() && (last || text == "-")) {
        text = fmt::format("{:.4f}", found->second);
      }
    }
    return text;
  };
  constexpr auto right = prefopt::table::alignment::right;
  prefopt::table shown(
      {{"metric"}, {"first step", right}, {"last step", right}, {"held out", right}});
  for (const std::string metric : metrics) {
    shown.add_row({metric, cell(metric, false), cell(metric, true), cell("eval_" + metric, true)});
  }
  const auto picture = prefopt::draw_training(out / "training", std::span(&curve, 1));
  return "\n" + prefopt::to_text(shown) + "\nmetrics     " + (out / "metrics.jsonl").string() +
         "\npicture     " + (picture.png ? picture.png->string() : picture.note) +
         "\ncheckpoint  " + (out / "checkpoint").string() + "\n";
}

}  // namespace tools
