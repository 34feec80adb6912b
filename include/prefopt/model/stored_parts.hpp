#pragma once

#include <algorithm>
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
  bool by_head = false;      ///< of queries, keys and values in one: each head's three together
};

/// One array of a file and the rows of a parameter that it holds.
struct stored_part {
  std::string name;
  std::vector<std::size_t> shape;     ///< in the file
  std::size_t numbers = 0;            ///< product of it; parts follow one another in the parameter
  bool transposed = false;            ///< the parameter is the file's matrix, transposed
  std::size_t interleaved_heads = 0;  ///< over 0: see `for_each_interleaved_row`
  std::size_t by_head = 0;            ///< over 0: so many heads, see `for_each_row_by_head`

  /// The file has the numbers in another order than the parameter.
  [[nodiscard]] bool reordered() const {
    return transposed || interleaved_heads != 0 || by_head != 0;
  }
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

/// GPT-NeoX stores head by head, each head's rows of query, key and value, where ours are all
/// queries, then all keys, then all values. Calls visit(row, stored row) for all rows.
template <class Visit>
void for_each_row_by_head(std::size_t rows, std::size_t heads, Visit visit) {
  const std::size_t width = rows / 3 / heads;
  for (std::size_t kind = 0; kind < 3; ++kind) {
    for (std::size_t head = 0; head < heads; ++head) {
      for (std::size_t i = 0; i < width; ++i) {
        visit((kind * heads + head) * width + i, (head * 3 + kind) * width + i);
      }
    }
  }
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

/// A part's numbers as they stand in the file, in our order. Both spans have `part.numbers`.
inline void from_stored(const stored_part& part, std::span<const float> stored,
                        std::span<float> values) {
  detail::for_each_stored_run(part, [&](std::size_t ours, std::size_t theirs, std::size_t count) {
    std::copy_n(stored.data() + theirs, count, values.data() + ours);
  });
}

/// The inverse.
inline void to_stored(const stored_part& part, std::span<const float> values,
                      std::span<float> stored) {
  detail::for_each_stored_run(part, [&](std::size_t ours, std::size_t theirs, std::size_t count) {
    std::copy_n(values.data() + ours, count, stored.data() + theirs);
  });
}

}  // namespace prefopt
