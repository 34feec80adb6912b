#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include <prefopt/core/error.hpp>
#include <prefopt/model/config_reader.hpp>
#include <prefopt/model/gguf.hpp>
#include <prefopt/model/rotary_frequencies.hpp>
#include <prefopt/model/tensor_shape.hpp>
#include <prefopt/model/transformer_config.hpp>

namespace prefopt::detail {

/// GGUF files have Llama 3's scaling of rotation as the tensor of its factors, by which each
/// frequency is divided, and not as the numbers that they follow from.
inline constexpr const char* gguf_rope_factors = "rope_freqs.weight";

/// The factors of `config.scaling`; all 1 where there is none.
inline std::vector<float> rope_factors(const transformer_config& config) {
  transformer_config plain = config;
  plain.scaling = {};
  const auto scaled = rotary_frequencies(config);
  auto factors = rotary_frequencies(plain);
  for (std::size_t i = 0; i < factors.size(); ++i) factors[i] /= scaled[i];
  return factors;
}

/// The numbers that the factors follow from: those that prefopt writes beside them, else those of
/// Llama 3.1 and 3.2 themselves, whose factor is the largest. Throws where they do not give the
/// file's factors.
inline rope_scaling read_rope_factors(const gguf_file& file, const transformer_config& config) {
  const auto& metadata = file.metadata();
  const auto fail = [&](const std::string& problem) {
    throw checkpoint_error(file.path().string(), "tensor '" + std::string(gguf_rope_factors) + "'",
                           problem);
  };
  const std::size_t count = config.turned_width() / 2;
  if (file.shape(gguf_rope_factors) != std::vector<std::size_t>{count}) {
    fail("has shape " + shape_text(file.shape(gguf_rope_factors)) + ", expected " +
         shape_text({count}));
  }
  std::vector<float> factors(count);
  file.read(gguf_rope_factors, factors);
  const auto number = [&](const char* key, double fallback) {
    const std::string name = std::string("prefopt.rope.") + key;
    return metadata.contains(name) ? metadata.real(name) : fallback;
  };
  rope_scaling scaling;
  scaling.type = rope_scaling::kind::llama3;
  const auto largest = static_cast<double>(*std::max_element(factors.begin(), factors.end()));
  scaling.factor = number("factor", largest);
  scaling.low_frequency_factor = number("low_frequency_factor", 1.0);
  scaling.high_frequency_factor = number("high_frequency_factor", 4.0);
  scaling.original_positions =
      metadata.find_whole("prefopt.rope.original_positions").value_or(8192);
  const bool sound = std::isfinite(scaling.factor) && scaling.factor > 0 &&
                     scaling.low_frequency_factor < scaling.high_frequency_factor;
  transformer_config scaled = config;
  scaled.scaling = scaling;
  const auto expected = rope_factors(scaled);
  for (std::size_t i = 0; i < count; ++i) {
    // Not <=, so that NaN is refused too.
    if (!sound || !(std::fabs(factors[i] - expected[i]) <= 1e-3F * expected[i])) {
      fail("holds factors of rotation that are not Llama 3's, which is not supported");
    }
  }
  return scaling;
}

/// Base, width and scaling of rotation, for a config whose `head_width` is known.
inline void read_gguf_rope(config_reader& keys, const gguf_file& file, transformer_config& config) {
  config.rope_theta = keys.positive("rope.freq_base", 10000.0);
  const std::size_t width = keys.count("rope.dimension_count", config.head_width);
  if (width > config.head_width || width % 2 != 0) {
    keys.fail("rope.dimension_count", "is " + std::to_string(width) + " for heads of width " +
                                          std::to_string(config.head_width) +
                                          "; expected an even number up to it");
  }
  config.rotary_width = width == config.head_width ? 0 : width;
  const std::string kind = keys.text("rope.scaling.type", "none");
  const double factor = keys.positive("rope.scaling.factor", keys.positive("rope.scale_linear", 1));
  if (kind == "linear" || (kind == "none" && factor != 1.0)) {
    config.scaling = {.type = rope_scaling::kind::linear, .factor = factor};
  } else if (kind != "none") {
    keys.fail("rope.scaling.type", "is '" + kind + "', which is not supported; expected linear");
  }
  if (!file.contains(gguf_rope_factors)) return;
  if (config.scaling.type != rope_scaling::kind::none) {
    keys.fail("rope.scaling.type", "is set, but there are rope_freqs.weight too");
  }
  config.scaling = read_rope_factors(file, config);
}

}  // namespace prefopt::detail
