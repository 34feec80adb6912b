#pragma once

#include <prefopt/train/training_loop.hpp>

#include <filesystem>

#include <prefopt/core/config.hpp>
#include <prefopt/core/stale_temporaries.hpp>

namespace prefopt {

namespace detail {

PREFOPT_INLINE run_settings settings_of(const training_options& options, std::size_t total_steps) {
  char rate[32];
  char clip[32];
  std::snprintf(rate, sizeof rate, "%.17g", options.learning_rate);
  std::snprintf(clip, sizeof clip, "%.17g", options.max_gradient_norm);
  run_settings list = {{"batch_size", std::to_string(options.batch_size)},
                       {"accumulation", std::to_string(options.accumulation)},
                       {"together", std::to_string(options.together)},
                       {"seed", std::to_string(options.seed)},
                       {"learning_rate", rate},
                       {"schedule", to_string(options.schedule)},
                       {"warmup_steps", std::to_string(options.warmup_steps)},
                       {"max_gradient_norm", clip}};
  if (options.part_tokens != 0) {
    list.emplace_back("part_tokens", std::to_string(options.part_tokens));
  }
  // A constant rate does not look ahead, so such a run may be resumed to be longer.
  if (options.schedule != learning_rate_schedule::kind::constant) {
    list.emplace_back("steps", std::to_string(total_steps));
  }
  return list;
}

PREFOPT_INLINE run_files::run_files(const training_options& options, std::size_t step) {
  if (options.folder.empty()) return;
  metrics_.emplace(options.folder / "metrics.jsonl", step);
  if (options.tensorboard) tensorboard_.emplace(options.folder, step + 1);
}

PREFOPT_INLINE void run_files::write(std::size_t step, double epoch, const metric_list& metrics) {
  if (metrics_) metrics_->write(step, epoch, metrics);
  if (tensorboard_) tensorboard_->write(step, metrics);
}

PREFOPT_INLINE std::optional<run_checkpoints> open_checkpoints(const training_options& options) {
  if (options.folder.empty()) return std::nullopt;
  if (options.resume) remove_stale_temporaries(options.folder);
  run_checkpoints checkpoints(options.folder / "checkpoints", options.keep_checkpoints);
  if (!options.resume &&
      (std::filesystem::exists(options.folder / "metrics.jsonl") || !checkpoints.steps().empty())) {
    throw usage_error(options.folder.string() +
                      ": holds a run already; resume it or choose another folder");
  }
  return checkpoints;
}

PREFOPT_INLINE folder_lock lock_run(const training_options& options) {
  if (options.folder.empty()) return {};
  std::filesystem::create_directories(options.folder);
  return folder_lock(options.folder);
}

PREFOPT_INLINE std::size_t saved_steps(const training_options& options) {
  const auto checkpoints = open_checkpoints(options);
  if (!checkpoints) return 0;
  const std::vector<std::size_t> steps = checkpoints->steps();
  return steps.empty() ? 0 : steps.back();
}

}  // namespace detail

}  // namespace prefopt
