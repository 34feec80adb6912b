#pragma once

#include <filesystem>
#include <span>
#include <string>

#include <prefopt/data/preference_dataset.hpp>

#include "language.hpp"
#include "options.hpp"
#include "sweep.hpp"
#include "task.hpp"

namespace experiment {

/// Fine-tunes `base` in place on texts, each cut to a number of tokens with its prompt. The run's
/// files are in `folder`, and a run found there is gone on with. Throws `stopped` at a signal.
void fine_tune(language& base, std::span<const sft_text> texts, const options& chosen,
               const std::filesystem::path& folder);

/// Throws `prefopt::usage_error` where there are fewer pairs than the point asks for.
void require_pairs(const prefopt::preference_dataset& all, const sweep_point& point);

/// The pairs that a point trains on: all, or as many as it asks for, prompt after prompt in an
/// order that its seed shuffles.
prefopt::preference_dataset choose_pairs(const prefopt::preference_dataset& all,
                                         const sweep_point& point);

/// Trains `policy`, which starts as a copy of the reference, on the point's pairs. The reference's
/// log-probs are kept in `reference_file`. Otherwise as `fine_tune`.
void train_policy(language& policy, const prefopt::preference_dataset& pairs,
                  const sweep_point& point, const options& chosen,
                  const std::filesystem::path& folder, const std::filesystem::path& reference_file);

}  // namespace experiment
