#pragma once

#include <prefopt/model/rotary_frequencies.hpp>

#include <cmath>
#include <cstddef>
#include <numbers>

#include <prefopt/core/config.hpp>

namespace prefopt {

namespace detail {

/// Llama 3.1's rule: with the wavelength w = 2 pi / frequency, original length L and factors l and
/// h, frequencies of w < L/h stay, those of w > L/l are divided by `factor`, and between them both
/// are mixed, linearly in L/w.
inline double scaled_as_llama3(double frequency, const rope_scaling& scaling) {
  const double turns =
      static_cast<double>(scaling.original_positions) * frequency / (2 * std::numbers::pi);
  const double low = scaling.low_frequency_factor;
  const double high = scaling.high_frequency_factor;
  if (turns > high) return frequency;
  if (turns < low) return frequency / scaling.factor;
  const double part = (turns - low) / (high - low);
  return (1 - part) * frequency / scaling.factor + part * frequency;
}

}  // namespace detail

PREFOPT_INLINE std::vector<float> rotary_frequencies(const transformer_config& config) {
  std::vector<float> frequencies;
  if (!config.rotary()) return frequencies;
  const std::size_t width = config.turned_width();
  for (std::size_t i = 0; 2 * i < width; ++i) {
    double frequency =
        std::pow(config.rope_theta, -static_cast<double>(2 * i) / static_cast<double>(width));
    if (config.scaling.type == rope_scaling::kind::linear) frequency /= config.scaling.factor;
    if (config.scaling.type == rope_scaling::kind::llama3) {
      frequency = detail::scaled_as_llama3(frequency, config.scaling);
    }
    frequencies.push_back(static_cast<float>(frequency));
  }
  return frequencies;
}

}  // namespace prefopt
