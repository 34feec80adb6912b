#pragma once

#include <prefopt/model/tensor_match.hpp>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <set>
#include <utility>

#include <prefopt/core/config.hpp>
#include <prefopt/core/error.hpp>
#include <prefopt/model/architecture.hpp>
#include <prefopt/model/tensor_shape.hpp>

namespace prefopt {

namespace detail {

/// Throws where the parameters could not be counted, or the file could not possibly hold them, so
/// that what is allocated later is bounded by the file.
inline void check_plausible(const transformer_config& config, const tensor_source& source,
                            const std::string& file) {
  const std::size_t tensors = source.names().size();
  if (config.layers > tensors) {
    throw checkpoint_error(file, "",
                           "should have " + std::to_string(config.layers) +
                               " layers, but has only " + std::to_string(tensors) + " tensors");
  }
  const auto fits = [](std::size_t a, std::size_t b) {
    return a <= std::numeric_limits<std::size_t>::max() / 16 / std::max<std::size_t>(b, 1);
  };
  if (!fits(config.heads + 2 * config.kv_heads, config.head_width) ||
      !fits((config.heads + 2 * config.kv_heads) * config.head_width, config.width) ||
      !fits(config.hidden, config.width) || !fits(config.vocabulary, config.width) ||
      !fits(config.max_positions, config.width)) {
    throw checkpoint_error(file, "", "is configured larger than memory can be");
  }
}

PREFOPT_INLINE bool equal_tensors(const tensor_source& source, const std::string& a,
                                  const std::string& b) {
  const auto shape = source.shape(a);
  std::size_t count = 0;
  if (source.shape(b) != shape || !count_elements(shape, count)) return false;
  std::vector<float> left(count);
  std::vector<float> right(count);
  source.read(a, left);
  source.read(b, right);
  return left == right;
}

}  // namespace detail

PREFOPT_INLINE std::vector<tensor_match> match_tensors(
    const architecture& kind, const std::vector<name_rule>& rules, const transformer_config& config,
    const tensor_source& source, std::string_view prefix, const std::string& file) {
  detail::check_plausible(config, source, file);
  std::vector<tensor_match> matches;
  std::vector<std::string> missing;
  std::vector<std::string> misshapen;
  std::set<std::string> expected;
  for (auto& parameter : transformer_layout(config)) {
    auto parts = stored_parts(rules, parameter, config, prefix);
    if (parts.empty()) missing.push_back(parameter.name);
    for (const auto& part : parts) {
      expected.insert(part.name);
      if (!source.contains(part.name)) {
        missing.push_back(part.name);
      } else if (const auto shape = source.shape(part.name); shape != part.shape) {
        misshapen.push_back(part.name + " " + shape_text(shape) + ", expected " +
                            shape_text(part.shape));
      }
    }
    matches.push_back({std::move(parameter), std::move(parts)});
  }
  std::vector<std::string> unexpected;
  for (const auto& name : source.names()) {
    const bool ignored = std::any_of(kind.ignored.begin(), kind.ignored.end(),
                                     [&](const auto& ending) { return name.ends_with(ending); });
    if (!ignored && !expected.contains(name)) unexpected.push_back(name);
  }
  const auto refuse = [&](const std::vector<std::string>& names, const char* what) {
    if (names.empty()) return;
    throw checkpoint_error(file, "", std::to_string(names.size()) + what + list_text(names));
  };
  refuse(missing, " tensors are missing: ");
  refuse(misshapen, " tensors have a wrong shape: ");
  refuse(unexpected, " tensors are unexpected: ");
  return matches;
}

PREFOPT_INLINE void read_parameter(const tensor_source& source, const tensor_match& match,
                                   std::span<float> values) {
  std::vector<float> stored;
  for (const auto& part : match.parts) {
    const std::span<float> out = values.first(part.numbers);
    values = values.subspan(part.numbers);
    if (!part.reordered()) {
      source.read(part.name, out);
      continue;
    }
    stored.resize(part.numbers);
    source.read(part.name, stored);
    from_stored(part, stored, out);
  }
}

}  // namespace prefopt
