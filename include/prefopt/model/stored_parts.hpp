#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <prefopt/model/transformer_config.hpp>
#include <prefopt/model/transformer_layout.hpp>

namespace prefopt {

/// How files name and store one kind of parameter. "{}" stands for the layer's number; ".weight"
/// and ".bias" are left away on both sides.
struct name_rule {
  std::string_view parameter;            ///< prefopt's name, see transformer_layout
  std::vector<std::string_view> stored;  ///< one name, or three: queries, keys and values apart
  bool transposed = false;               ///< matrices are (inputs, outputs) in the file
  bool interleaved = false;  ///< rows of queries and keys are permuted for interleaved rotation
  bool outside = false;      ///< stands outside the prefix that other names have
};

/// One array of a file and the rows of a parameter that it holds.
struct stored_part {
  std::string name;
  std::vector<std::size_t> shape;     ///< in the file
  std::size_t numbers = 0;            ///< product of it; parts follow one another in the parameter
  bool transposed = false;            ///< the parameter is the file's matrix, transposed
  std::size_t interleaved_heads = 0;  ///< over 0: see `for_each_interleaved_row`
};

/// The arrays that hold a parameter, in the order of its rows. Empty where no rule names it.
inline std::vector<stored_part> stored_parts(std::span<const name_rule> rules,
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

/// llama.cpp rotates neighbouring pairs where Llama rotates (i, i + d/2), so it stores a head's
/// rows as 0, d/2, 1, d/2 + 1, ... Calls visit(row, stored row) for all rows of all heads.
template <class Visit>
void for_each_interleaved_row(std::size_t rows, std::size_t heads, Visit visit) {
  const std::size_t width = rows / heads;
  for (std::size_t head = 0; head < heads; ++head) {
    for (std::size_t i = 0; i < width; ++i) {
      const std::size_t half = i / (width / 2);
      visit(head * width + i, head * width + 2 * (i % (width / 2)) + half);
    }
  }
}

}  // namespace prefopt
