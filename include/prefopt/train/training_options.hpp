#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <prefopt/core/progress.hpp>
#include <prefopt/train/schedule.hpp>

namespace prefopt {

/// A metric's name and value; the names are TRL's.
using metric_list = std::vector<std::pair<std::string, double>>;

/// What a run does, the same for supervised and for preference training. An *example* is a pair or
/// a text; an update is a *step*.
struct training_options {
  std::size_t epochs = 1;
  std::size_t max_steps = 0;     ///< stop after this many steps, whatever `epochs`; 0: no limit
  std::size_t batch_size = 8;    ///< examples a step; the last step of an epoch may have fewer
  std::size_t accumulation = 1;  ///< parts that a step is computed in, for less memory
  /// A part with more tokens than this is cut into several, so that memory is bounded whatever the
  /// lengths; an example alone may have more. The step's gradient stays the same. 0: no limit.
  std::size_t part_tokens = 0;
  /// Examples of a prompt that stay together when an epoch is shuffled, in their order, so that a
  /// step computes the prompt and the responses that they share once. 1: each is apart, as other
  /// trainers do; 0: all of a prompt's are together.
  std::size_t together = 1;
  std::uint64_t seed = 0;  ///< of the shuffling

  double learning_rate = 5e-5;  ///< the schedule's peak
  learning_rate_schedule::kind schedule = learning_rate_schedule::kind::constant;
  std::size_t warmup_steps = 0;
  double max_gradient_norm = 1.0;  ///< 0: gradients are not clipped

  std::filesystem::path folder;      ///< of the run's files; empty: nothing is written
  bool resume = false;               ///< go on from the folder's last checkpoint, if it has one
  std::size_t checkpoint_every = 0;  ///< steps; 0: only at the end and when stopped
  bool checkpoint_at_end = true;     ///< false: a run that finishes saves none at its last step
  std::size_t keep_checkpoints = 2;  ///< older ones are removed; 0: all are kept
  bool tensorboard = true;           ///< event files beside metrics.jsonl

  std::size_t evaluate_every = 0;  ///< steps between evaluations on held-out data; 0: at the end

  bool handle_signals = true;  ///< SIGINT and SIGTERM save a checkpoint and end the run
  std::string label = "training";
  progress_options progress = {};
  /// Called after every step with its metrics; returning false ends the run as a signal does.
  std::function<bool(std::size_t step, const metric_list&)> on_step = {};
};

/// How a run ended.
struct training_result {
  std::size_t steps = 0;  ///< of the whole run, those before a resume included
  bool finished = false;  ///< false: stopped by a signal or by `on_step`; `resume` goes on
  int signal = 0;         ///< the signal that came, 0 if none did; in the last step: and `finished`
  metric_list metrics = {};  ///< of the last step, and of the last evaluation under eval_ names

  /// What `main` returns: 0, or 130 for SIGINT and 143 for SIGTERM as shells expect.
  [[nodiscard]] int exit_code() const { return signal == 0 ? 0 : 128 + signal; }
};

void validate(const training_options& options);

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/train/training_options.ipp>
#endif
