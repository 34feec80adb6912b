#pragma once

#include <cmath>
#include <cstddef>
#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include <prefopt/model/config_reader.hpp>
#include <prefopt/model/transformer_config.hpp>

namespace prefopt {

/// What a config.json says about rotation: the base, the part of a head that turns, and scaling.
struct rope_fields {
  double theta = 10000.0;
  double part = 1.0;
  rope_scaling scaling{};

  friend bool operator==(const rope_fields&, const rope_fields&) = default;
};

namespace detail {

/// The object under `rope_scaling` or `rope_parameters`; what it lacks is as in `fallback`.
inline rope_fields read_rope_object(config_reader& rope, const rope_fields& fallback,
                                    std::size_t max_positions) {
  using kind = rope_scaling::kind;
  rope_fields result = fallback;
  const std::string older = rope.text("type", "default");
  const std::string name = rope.text("rope_type", older);
  result.theta = rope.positive("rope_theta", fallback.theta);
  result.part = rope.positive("partial_rotary_factor", fallback.part);
  const std::size_t original = rope.count("original_max_position_embeddings", max_positions);
  if (name == "linear") {
    result.scaling = {.type = kind::linear, .factor = rope.positive("factor")};
  } else if (name == "llama3") {
    result.scaling = {.type = kind::llama3,
                      .factor = rope.positive("factor"),
                      .low_frequency_factor = rope.positive("low_freq_factor"),
                      .high_frequency_factor = rope.positive("high_freq_factor"),
                      .original_positions = original};
    if (result.scaling.high_frequency_factor <= result.scaling.low_frequency_factor) {
      rope.fail("high_freq_factor", "is not over low_freq_factor");
    }
  } else if (name != "default") {
    rope.fail("rope_type", "is '" + name +
                               "', which is not supported; expected default, linear "
                               "or llama3");
  }
  rope.finish();
  return result;
}

}  // namespace detail

/// Reads `rope_theta` and `partial_rotary_factor` with transformers 4's `rope_scaling` and
/// transformers 5's `rope_parameters` into `result`, whose head_width and max_positions are known.
/// Where a file has both, they have to agree.
inline void read_rope(config_reader& config, transformer_config& result, rope_fields fields = {}) {
  fields.theta = config.positive("rope_theta", fields.theta);
  fields.part = config.positive("partial_rotary_factor", fields.part);
  std::optional<rope_fields> found;
  for (const char* key : {"rope_scaling", "rope_parameters"}) {
    auto rope = config.object(key);
    if (!rope) continue;
    const rope_fields here = detail::read_rope_object(*rope, fields, result.max_positions);
    if (found && *found != here) config.fail(key, "contradicts rope_scaling");
    found = here;
  }
  if (found) fields = *found;
  config.only("rope_interleaved", false);
  if (fields.part > 1.0) config.fail("partial_rotary_factor", "exceeds 1");
  result.rope_theta = fields.theta;
  result.scaling = fields.scaling;
  const auto turned =
      static_cast<std::size_t>(static_cast<double>(result.head_width) * fields.part);
  if (turned == 0 || turned % 2 != 0) {
    config.fail(fields.part == 1.0 ? "head_dim" : "partial_rotary_factor",
                "makes " + std::to_string(turned) +
                    " coordinates of a head turn, but rotation takes pairs");
  }
  result.rotary_width = turned == result.head_width ? 0 : turned;
}

/// The part of a head that turns, such that `read_rope` finds the very same coordinates.
inline double rotary_part(const transformer_config& config) {
  const auto width = static_cast<double>(config.head_width);
  const auto turned = static_cast<double>(config.turned_width());
  const double part = turned / width;
  return std::floor(part * width) < turned ? std::nextafter(part, 2.0) : part;
}

/// `rope_theta`, `rope_parameters` and, where there is scaling, `rope_scaling`.
inline nlohmann::ordered_json write_rope(const transformer_config& config) {
  using kind = rope_scaling::kind;
  const rope_scaling& scaling = config.scaling;
  nlohmann::ordered_json parameters{{"rope_type", "default"}};
  if (scaling.type == kind::linear) {
    parameters = {{"rope_type", "linear"}, {"factor", scaling.factor}};
  } else if (scaling.type == kind::llama3) {
    parameters = {{"rope_type", "llama3"},
                  {"factor", scaling.factor},
                  {"low_freq_factor", scaling.low_frequency_factor},
                  {"high_freq_factor", scaling.high_frequency_factor},
                  {"original_max_position_embeddings", scaling.original_positions}};
  }
  parameters["rope_theta"] = config.rope_theta;
  if (config.rotary_width != 0) parameters["partial_rotary_factor"] = rotary_part(config);
  nlohmann::ordered_json fields{{"rope_theta", config.rope_theta}};
  if (scaling.type != kind::none) fields["rope_scaling"] = parameters;
  fields["rope_parameters"] = parameters;
  return fields;
}

}  // namespace prefopt
