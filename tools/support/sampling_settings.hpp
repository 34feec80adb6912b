#pragma once

#include <cstddef>

#include <prefopt/sample/sampling_options.hpp>

#include "command.hpp"

namespace tools {

/// How responses are sampled, as options spell it.
struct sampling_settings {
  std::size_t responses = 1;
  std::size_t max_new_tokens = 64;
  double temperature = 1.0;
  double top_p = 1.0;
  std::size_t top_k = 0;
  std::size_t seed = 0;
  std::size_t batch_rows = 32;
};

void add_options(command& to, sampling_settings& settings);

/// Without an end token.
prefopt::sampling_options sampling_options_of(const sampling_settings& settings);

}  // namespace tools
