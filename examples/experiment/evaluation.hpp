#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include <prefopt/data/scored_response.hpp>
#include <prefopt/eval/bootstrap.hpp>

#include "language.hpp"
#include "options.hpp"
#include "sweep.hpp"
#include "task.hpp"

namespace experiment {

/// How a policy does on held-out prompts. Estimates are means over responses, with intervals that
/// draw prompts with all their responses.
struct evaluation {
  prefopt::mean_estimate reward;
  /// Exact over the vocabulary, nats a response; 0 for the reference. Its count is 0 where
  /// responses were sampled in a way (temperature, top-k, top-p) in which no estimate is one of the
  /// KL.
  prefopt::mean_estimate kl;
  prefopt::mean_estimate k1;
  prefopt::mean_estimate k3;
  double tokens = 0;  ///< mean length of a response
};

/// Samples, scores and compares `policy` with `reference`; the same random streams for every
/// policy. With a null reference the divergence is not computed. The responses go to
/// `responses_file`. Throws `stopped` at a signal.
evaluation evaluate(language& policy, prefopt::any_transformer* reference, const options& chosen,
                    const task& what, const std::string& label,
                    const std::filesystem::path& responses_file);

/// A finished point of the sweep.
struct point_result {
  sweep_point point;
  evaluation values;
  double training_seconds = 0;
  double evaluation_seconds = 0;
};

void write_result(const std::filesystem::path& file, const point_result& result);
point_result read_result(const std::filesystem::path& file, const sweep_point& point);

}  // namespace experiment
