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
    save_all(step, parameters, optimizer.state(parameters), optimizer.steps(), settings);
  }

  /// Loads the checkpoint of `step` into the parameters and the optimizer. Throws
  /// `checkpoint_error` where a file is damaged, an array is missing, unexpected or of another
  /// shape; `run_settings_error` where a setting differs from `settings`: the message names every
  /// one that does.
  template <optimizer Optimizer>
  void load(std::size_t step, std::span<const parameter> parameters, Optimizer& optimizer,
            const run_settings& settings) const {
    optimizer.set_steps(load_all(step, parameters, optimizer.state(parameters), settings));
  }

  /// Loads the newest checkpoint that is not damaged, and returns its step; 0 where there is none
  /// at all. Damaged ones that are newer get a name that ends in `.damaged`, and `report` is called
  /// with a sentence for each. Throws what `load` says of the newest where none can be read, and
  /// `run_settings_error` at once.
  template <optimizer Optimizer>
  std::size_t load_newest(std::span<const parameter> parameters, Optimizer& optimizer,
                          const run_settings& settings,
                          const std::function<void(const std::string&)>& report) const {
    const loaded newest =
        load_newest_of_all(parameters, optimizer.state(parameters), settings, report);
    if (newest.step != 0) optimizer.set_steps(newest.optimizer_steps);
    return newest.step;
  }

 private:
  struct loaded {
    std::size_t step = 0;
    std::uint64_t optimizer_steps = 0;
  };

  // Of an optimizer its arrays and the number of its steps, which is what loading returns.
  void save_all(std::size_t step, std::span<const parameter> parameters,
                const std::vector<optimizer_array>& memory, std::uint64_t optimizer_steps,
                const run_settings& settings) const;
  std::uint64_t load_all(std::size_t step, std::span<const parameter> parameters,
                         const std::vector<optimizer_array>& memory,
                         const run_settings& settings) const;
  loaded load_newest_of_all(std::span<const parameter> parameters,
                            const std::vector<optimizer_array>& memory,
                            const run_settings& settings,
                            const std::function<void(const std::string&)>& report) const;

  [[nodiscard]] std::filesystem::path hidden(std::size_t step, const char* purpose) const;

  /// Makes room for the checkpoint that the run will save at that step.
  void set_aside(std::size_t step, const std::string& problem,
                 const std::function<void(const std::string&)>& report) const;

  void remove_old() const;

  std::filesystem::path folder_;
  std::size_t keep_;
};

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/train/run_checkpoint.ipp>
#endif
