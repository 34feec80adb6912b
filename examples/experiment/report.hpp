#pragma once

#include <filesystem>
#include <span>

#include "evaluation.hpp"
#include "options.hpp"
#include "task.hpp"

namespace experiment {

/// Prints the table of results on standard output, and writes results.{csv,md}, the pictures
/// tradeoff.* and training.*, and completions.md into the run's folder.
void report(const evaluation& before, std::span<const point_result> results, const options& chosen,
            const task& what);

}  // namespace experiment
