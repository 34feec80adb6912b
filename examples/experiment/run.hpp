#pragma once

#include <string>
#include <vector>

#include "evaluation.hpp"
#include "language.hpp"
#include "options.hpp"
#include "task.hpp"

namespace experiment {

/// What decides the results of a run besides its sweep: settings under their options' names. A
/// folder is gone on with only by a run with the same ones.
using run_identity = std::vector<std::pair<std::string, std::string>>;

/// Throws `prefopt::usage_error` where --out cannot be used: it holds a run and there is no
/// --resume, or a run with other settings (naming the one that differs), or other files. Writes
/// nothing.
void check_run(const options& chosen, const run_identity& settings);

/// Creates the run's folder, which `check_run` has accepted, or opens it.
void start_run(const options& chosen, const run_identity& settings);

/// The settings of `options` that decide a run's results.
run_identity identity_of(const options& chosen);

/// The whole chain: (fine-tuning on texts,) responses, scores, pairs, training and evaluation of
/// every point of the sweep, report. Whatever is found done in the run's folder is not done again.
/// Returns whether every method's reward rose: its interval lies above the one before.
bool run_experiment(language& base, const options& chosen, const task& what);

}  // namespace experiment
