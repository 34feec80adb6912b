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

/// Creates the run's folder, or opens it with --resume. Throws `prefopt::usage_error` where a run
/// is there already, or one with other settings, naming the setting that differs.
void open_run(const options& chosen, const run_identity& settings);

/// The settings of `options` that decide a run's results.
run_identity identity_of(const options& chosen);

/// The whole chain: (fine-tuning on texts,) responses, scores, pairs, training and evaluation of
/// every point of the sweep, report. Whatever is found done in the run's folder is not done again.
/// Returns whether every method's reward rose: its interval lies above the one before.
bool run_experiment(language& base, const options& chosen, const task& what);

}  // namespace experiment
