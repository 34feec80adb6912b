#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <prefopt/core/folder_lock.hpp>

#include "evaluation.hpp"
#include "language.hpp"
#include "options.hpp"
#include "task.hpp"

namespace experiment {

/// Something that decides a run's results, under its option's name. Of files the content counts,
/// not the place.
struct run_setting {
  std::string name;
  std::string value;
  std::string content = {};  ///< hash of the file or folder that `value` names; else empty
};

/// What decides the results of a run besides its sweep. A folder is gone on with only by a run with
/// the same settings.
using run_identity = std::vector<run_setting>;

/// The setting of an option that names a file or a folder.
run_setting file_setting(const std::string& name, const std::string& path);

/// Throws `prefopt::usage_error` where --out cannot be used: it holds a run and there is no
/// --resume, or a run with other settings (naming the one that differs), or other files. Writes
/// nothing.
void check_run(const options& chosen, const run_identity& settings);

/// Creates the run's folder, which `check_run` has accepted, or opens it; no other program writes
/// to it while the lock lives.
[[nodiscard]] prefopt::folder_lock start_run(const options& chosen, const run_identity& settings);

/// The settings of `options` that decide a run's results.
run_identity identity_of(const options& chosen);

/// The whole chain: (fine-tuning on texts,) responses, scores, pairs, training and evaluation of
/// every point of the sweep, report. Whatever is found done in the run's folder is not done again.
/// Returns whether every method's reward rose: its interval lies above the one before.
bool run_experiment(language& base, const options& chosen, const task& what);

}  // namespace experiment
