#pragma once

#include <prefopt/model/stored_parts.hpp>

#include <algorithm>
#include <utility>

#include <prefopt/core/config.hpp>

namespace prefopt {

PREFOPT_INLINE std::vector<stored_part> stored_parts(std::span<const name_rule> rules,
                                                     const parameter_layout& parameter,
                                                     const transformer_config& config,
                                                     std::string_view prefix) {
  // layers.12.attention.qkv.weight -> stem layers.{}.attention.qkv, layer 12, ending .weight
  std::string stem = parameter.name;
  const std::size_t dot = stem.rfind('.');
  const std::string ending = stem.substr(dot);
  stem.resize(dot);
  std::string layer;
  if (stem.starts_with("layers.")) {
    const std::size_t end = stem.find('.', 7);
    layer = stem.substr(7, end - 7);
    stem.replace(7, layer.size(), "{}");
  }
  std::vector<stored_part> parts;
  for (const auto& rule : rules) {
    if (rule.parameter != stem) continue;
    for (std::size_t i = 0; i < rule.stored.size(); ++i) {
      stored_part part;
      part.name = std::string(rule.outside ? "" : prefix) + std::string(rule.stored[i]) + ending;
      const std::size_t place = part.name.find("{}");
      if (place != std::string::npos) part.name.replace(place, 2, layer);
      part.shape = parameter.shape;
      if (rule.stored.size() == 3) {
        part.shape[0] = (i == 0 ? config.heads : config.kv_heads) * config.head_width;
      }
      if (rule.interleaved && i < 2)
        part.interleaved_heads = i == 0 ? config.heads : config.kv_heads;
      if (rule.by_head) part.by_head = config.heads;
      if (rule.transposed && part.shape.size() == 2) {
        part.transposed = true;
        std::swap(part.shape[0], part.shape[1]);
      }
      part.numbers = 1;
      for (const std::size_t side : part.shape) part.numbers *= side;
      parts.push_back(std::move(part));
    }
  }
  return parts;
}

namespace detail {

/// Calls visit(row, stored row) for all `rows` of the part's matrix, or elements of its vector.
template <class Visit>
void for_each_stored_row(const stored_part& part, std::size_t rows, Visit visit) {
  if (part.interleaved_heads != 0)
    return for_each_interleaved_row(rows, part.interleaved_heads, visit);
  if (part.by_head != 0) return for_each_row_by_head(rows, part.by_head, visit);
  for (std::size_t i = 0; i < rows; ++i) visit(i, i);
}

/// Between our order, (outputs, inputs), and the file's: copy(ours, stored, count) moves numbers
/// that stand together on both sides.
template <class Copy>
void for_each_stored_run(const stored_part& part, Copy copy) {
  if (part.transposed) {
    const std::size_t inputs = part.shape[0];
    const std::size_t outputs = part.shape[1];
    for_each_stored_row(part, outputs, [&](std::size_t row, std::size_t stored) {
      for (std::size_t i = 0; i < inputs; ++i) copy(row * inputs + i, i * outputs + stored, 1);
    });
    return;
  }
  if (!part.reordered()) return copy(0, 0, part.numbers);
  const std::size_t rows = part.shape[0];
  const std::size_t width = part.numbers / rows;
  for_each_stored_row(part, rows, [&](std::size_t row, std::size_t stored) {
    copy(row * width, stored * width, width);
  });
}

}  // namespace detail

PREFOPT_INLINE void from_stored(const stored_part& part, std::span<const float> stored,
                                std::span<float> values) {
  detail::for_each_stored_run(part, [&](std::size_t ours, std::size_t theirs, std::size_t count) {
    std::copy_n(stored.data() + theirs, count, values.data() + ours);
  });
}

PREFOPT_INLINE void to_stored(const stored_part& part, std::span<const float> values,
                              std::span<float> stored) {
  detail::for_each_stored_run(part, [&](std::size_t ours, std::size_t theirs, std::size_t count) {
    std::copy_n(values.data() + ours, count, stored.data() + theirs);
  });
}

}  // namespace prefopt
