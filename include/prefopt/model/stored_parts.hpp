#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
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
std::vector<stored_part> stored_parts(std::span<const name_rule> rules,
                                      const parameter_layout& parameter,
                                      const transformer_config& config, std::string_view prefix);

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

/// A part's numbers as they stand in the file, in our order. Both spans have `part.numbers`.
void from_stored(const stored_part& part, std::span<const float> stored, std::span<float> values);

/// The inverse.
void to_stored(const stored_part& part, std::span<const float> values, std::span<float> stored);

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/model/stored_parts.ipp>
#endif
