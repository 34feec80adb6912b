#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <prefopt/core/error.hpp>
#include <prefopt/model/language_model.hpp>
#include <prefopt/train/optimizer.hpp>

namespace prefopt {

/// What a run consists of besides its step: name and value of everything that decides what the next
/// step does (data, loss, optimizer, batch size, seed, ...).
using run_settings = std::vector<std::pair<std::string, std::string>>;

/// A run that differs from the checkpoint that it is to go on from. The checkpoint is sound.
class run_settings_error : public checkpoint_error {
  using checkpoint_error::checkpoint_error;
};

/// The checkpoints of a run: `folder/step-<n>/` with `weights.safetensors`,
/// `optimizer.safetensors` (absent where the optimizer remembers nothing) and `run.json`. A
/// checkpoint appears whole or not at all: it is written and synced under a name that begins with a
/// dot, then renamed. The order of the data and every random number follow from the seed and the
/// step, so these files are the whole state of a run.
class run_checkpoints {
 public:
  /// Makes the folder if need be, and removes what a killed run left half-written. One process at a
  /// time uses a folder. `keep`: how many checkpoints stay; 0: all.
  run_checkpoints(std::filesystem::path folder, std::size_t keep);

  /// The steps that have a checkpoint, ascending.
  [[nodiscard]] std::vector<std::size_t> steps() const;

  [[nodiscard]] std::filesystem::path path_of(std::size_t step) const;

  /// Saves the run after `step` updates. Throws `numeric_error` and saves nothing where a weight is
  /// not finite, `data_error` where a file cannot be written; older checkpoints stay then.
  template <optimizer Optimizer>
  void save(std::size_t step, std::span<const parameter> parameters, Optimizer& optimizer,
            const run_settings& settings) const {
    save_by(step, parameters, memory_of(parameters, optimizer), settings);
  }

  /// Loads the checkpoint of `step` into the parameters and the optimizer. Throws
  /// `checkpoint_error` where a file is damaged, an array is missing, unexpected or of another
  /// shape; `run_settings_error` where a setting differs from `settings`: the message names every
  /// one that does.
  template <optimizer Optimizer>
  void load(std::size_t step, std::span<const parameter> parameters, Optimizer& optimizer,
            const run_settings& settings) const {
    load_by(step, parameters, memory_of(parameters, optimizer), settings);
  }

  /// Loads the newest checkpoint that is not damaged, and returns its step; 0 where there is none
  /// at all. Damaged ones that are newer get a name that ends in `.damaged`, and `report` is called
  /// with a sentence for each. Throws what `load` says of the newest where none can be read, and
  /// `run_settings_error` at once.
  template <optimizer Optimizer, class Report>
  std::size_t load_newest(std::span<const parameter> parameters, Optimizer& optimizer,
                          const run_settings& settings, const Report& report) const {
    return load_newest_by(parameters, memory_of(parameters, optimizer), settings,
                          [&](const std::string& text) { report(text); });
  }

 private:
  static constexpr const char* format = "prefopt run 1";

  /// An optimizer without its type.
  struct optimizer_memory {
    std::function<std::vector<optimizer_array>()> arrays;
    std::function<std::uint64_t()> steps;
    std::function<void(std::uint64_t)> set_steps;
  };
  using damage_report = std::function<void(const std::string&)>;

  struct array {
    std::string name;
    std::vector<std::size_t> shape;
    std::span<float> values;
  };

  template <optimizer Optimizer>
  static optimizer_memory memory_of(std::span<const parameter> parameters, Optimizer& optimizer) {
    return {[parameters, &optimizer] { return optimizer.state(parameters); },
            [&optimizer] { return optimizer.steps(); },
            [&optimizer](std::uint64_t steps) { optimizer.set_steps(steps); }};
  }

  void save_by(std::size_t step, std::span<const parameter> parameters,
               const optimizer_memory& optimizer, const run_settings& settings) const;

  void load_by(std::size_t step, std::span<const parameter> parameters,
               const optimizer_memory& optimizer, const run_settings& settings) const;

  std::size_t load_newest_by(std::span<const parameter> parameters,
                             const optimizer_memory& optimizer, const run_settings& settings,
                             const damage_report& report) const;

  template <class Array>
  static std::string hash_of(const std::vector<Array>& arrays);

  static void read_arrays(const std::filesystem::path& path, const std::vector<array>& arrays,
                          const std::string& expected_hash);

  [[nodiscard]] std::filesystem::path hidden(std::size_t step, const char* purpose) const;

  /// Makes room for the checkpoint that the run will save at that step.
  void set_aside(std::size_t step, const std::string& problem, const damage_report& report) const;

  void remove_old() const;

  std::filesystem::path folder_;
  std::size_t keep_;
};

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/train/run_checkpoint.ipp>
#endif
