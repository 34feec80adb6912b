#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

#include <prefopt/train/training_options.hpp>

#include "command.hpp"
#include "run_settings.hpp"
#include "training_memory.hpp"

namespace tools {

/// How a model is trained, as options spell it; preference and supervised training share it.
struct training_settings {
  std::filesystem::path out;
  bool resume = false;
  std::size_t save_every = 50;
  std::size_t evaluate_every = 0;
  std::string dtype = "float32";

  std::size_t epochs = 1;
  std::size_t max_steps = 0;
  std::size_t batch = 8;
  std::size_t accumulate = 1;
  std::size_t part_tokens = 0;
  bool checkpoint_activations = false;
  double learning_rate = 5e-5;
  std::size_t warmup_steps = 0;
  std::string schedule = "constant";
  double clip = 1.0;
  std::string optimizer = "adamw";
  double weight_decay = 0.0;
  std::size_t seed = 0;
};

/// --out, --resume and the like.
void add_output_options(command& to, training_settings& settings);
/// The others; `examples`: what a step has, "pairs" or "texts".
void add_optimization_options(command& to, training_settings& settings,
                              const std::string& examples);

/// To be called before any work: throws `usage_error` where the run could not be written to --out
/// in the end, or has been there already and is not resumed.
void check_out(const training_settings& settings);

/// Throws `usage_error` for what cannot work.
prefopt::training_options training_options_of(const training_settings& settings,
                                              const run_settings& run, const std::string& label);

memory_plan memory_plan_of(const training_settings& settings, double trained, std::size_t tokens,
                           memory_place place);

/// The optimizer that was chosen, for models of the device.
prefopt::any_optimizer optimizer_of(const training_settings& settings, const device& on);

/// A table of a run's first and last step and of the held-out metrics, from its metrics file (a run
/// that was resumed has its beginning nowhere else), and the paths of what it wrote; draws its
/// curves. `metrics`: names of those to show.
std::string training_report(const std::filesystem::path& out, std::span<const char* const> metrics);

}  // namespace tools
