#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>

#include <prefopt/backend/attention_shape.hpp>
#include <prefopt/backend/cuda/product_kind.cuh>
#include <prefopt/backend/packed_batch.hpp>

namespace prefopt::gpu {

/// How the attention of a segment's rows is computed. Tiled: kernels that keep scores in shared
/// memory, all in float32. Batched: products through cuBLASLt, of the kind that `products` says,
/// around a softmax; the scores of a piece at a time are in the device's memory.
enum class attention_form { tiled, batched };

/// What attention does from now on, in this process.
struct attention_settings {
  /// The form of every segment. Without one, `cheaper_attention_form` chooses for each.
  std::optional<attention_form> form{};
  /// The most bytes that scores, and what has their size, take at one time; a single row's may be
  /// more.
  std::size_t score_bytes = std::size_t{1} << 28U;
  /// The most rows of a piece, at least one. Rows of a causal piece are multiplied by all keys that
  /// the last of them sees, so that short pieces waste less and long ones are fewer calls.
  std::size_t piece_rows = 512;
};

inline attention_settings attention;

/// Positions of a segment's prefix and rows: [begin, end).
struct position_range {
  std::size_t begin = 0;
  std::size_t end = 0;
  [[nodiscard]] std::size_t size() const { return end - begin; }
};

/// The positions that one of the segment's rows [first, first + rows) sees; rows is not 0.
inline position_range positions_seen(const packed_segment& segment, const attention_shape& shape,
                                     std::size_t first, std::size_t rows) {
  if (shape.kind != attention_kind::causal) return {0, segment.prefix_length + segment.length};
  const std::size_t position = segment.prefix_length + first;
  return {shape.first_visible(position), position + rows};
}

/// Columns that the scores of so many keys have: rows of them are aligned to 128 bytes in any
/// numbers, and the algorithms of products are as many as there are multiples.
inline std::size_t padded_keys(std::size_t keys) {
  constexpr std::size_t multiple = 64;
  return (keys + multiple - 1) / multiple * multiple;
}

/// The form that takes less time for a segment by arithmetic. With p pairs of a row and a key that
/// it sees, in h heads of w numbers, the tiled form's two products are 4 p h w operations, of which
/// float32 arithmetic does half of what it could (as many cycles go into reading tiles); all
/// segments are one launch. The batched form computes p' >= p pairs, those of whole pieces, in
/// 4 p' h w operations of the products' kind, at half of that peak; it writes and reads p' h scores
/// in float and as many weights in the products' numbers; and a piece is five launches. So it pays
/// for long segments, wide heads and tensor cores, and never in float32. Peaks and bandwidth are of
/// an A100's data sheet; those of later cards have nearly the same proportions. The backward pass
/// is 2.5 times the products in one form, 4.5 times in the other, and has the same choice, so that
/// both see the same probabilities. `scripts/gpu_check` times both forms; it has not been run.
inline attention_form cheaper_attention_form(const packed_segment& segment,
                                             const attention_shape& shape, product_kind kind) {
  constexpr double float32_peak = 19.5e12;  // operations a second
  constexpr double tf32_peak = 156e12;
  constexpr double bfloat16_peak = 312e12;
  constexpr double bandwidth = 1.555e12;  // bytes a second
  constexpr double piece_seconds = 5 * 3e-6;
  double seen = 0;
  double computed = 0;
  double pieces = 0;
  for (std::size_t i = 0; i < segment.length; ++i) {
    seen += static_cast<double>(positions_seen(segment, shape, i, 1).size());
  }
  for (std::size_t i = 0; i < segment.length; i += attention.piece_rows) {
    const std::size_t rows = std::min(attention.piece_rows, segment.length - i);
    const std::size_t keys = positions_seen(segment, shape, i, rows).size();
    computed += static_cast<double>(rows * padded_keys(keys));
    pieces += 1;
  }
  const double peak = kind == product_kind::float32 ? float32_peak
                      : kind == product_kind::tf32  ? tf32_peak
                                                    : bfloat16_peak;
  const double bytes = kind == product_kind::bfloat16 ? 2 * (4 + 2) : 2 * (4 + 4);
  const auto heads = static_cast<double>(shape.heads);
  const double operations = 4 * static_cast<double>(shape.head_width);
  const double tiled = heads * seen * operations / (float32_peak / 2);
  const double batched =
      heads * computed * (operations / (peak / 2) + bytes / bandwidth) + pieces * piece_seconds;
  return batched < tiled ? attention_form::batched : attention_form::tiled;
}

/// The form of a segment's rows: that of `attention`, or the cheaper one. It depends on the segment
/// and its prefix alone, so that no row's result depends on what else is in a batch.
inline attention_form attention_form_of(const packed_segment& segment,
                                        const attention_shape& shape) {
  return attention.form ? *attention.form : cheaper_attention_form(segment, shape, products.kind);
}

}  // namespace prefopt::gpu
