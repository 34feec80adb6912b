#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

#include <prefopt/backend/attention_shape.hpp>
#include <prefopt/backend/cuda/attention_form.cuh>
#include <prefopt/backend/packed_batch.hpp>

namespace prefopt::gpu {

/// Rows of a segment and key/value heads with their query heads, whose scores there are at one
/// time, in the batched form of attention.
struct attention_piece {
  packed_segment segment;
  std::size_t first = 0;  // of the segment's rows
  std::size_t rows = 0;
  position_range keys;  // that one of the rows sees
  std::size_t first_kv = 0;
  std::size_t kv_heads = 0;

  /// Numbers of a matrix of scores: (kv_heads * group * rows, padded_keys).
  [[nodiscard]] std::size_t scores(std::size_t group) const {
    return kv_heads * group * rows * padded_keys(keys.size());
  }
};

/// Pieces of batched segments, in their order, which depend on the segment alone. `score_bytes` is
/// what is held for a pair of a row and a key.
inline std::vector<attention_piece> cut_attention(std::span<const packed_segment> segments,
                                                  const attention_shape& shape,
                                                  std::size_t score_bytes) {
  std::vector<attention_piece> pieces;
  const std::size_t most = attention.score_bytes / score_bytes;
  for (const packed_segment& segment : segments) {
    const std::size_t longest = segment.prefix_length + segment.length;
    const std::size_t fitting = most / (shape.group() * padded_keys(longest));
    const std::size_t step = std::clamp<std::size_t>(fitting, 1, attention.piece_rows);
    for (std::size_t first = 0; first < segment.length; first += step) {
      attention_piece piece{segment, first, std::min(step, segment.length - first), {}, 0, 1};
      piece.keys = positions_seen(segment, shape, first, piece.rows);
      const std::size_t heads =
          std::clamp<std::size_t>(most / piece.scores(shape.group()), 1, shape.kv_heads);
      for (piece.first_kv = 0; piece.first_kv < shape.kv_heads; piece.first_kv += heads) {
        attention_piece& part = pieces.emplace_back(piece);
        part.kv_heads = std::min(heads, shape.kv_heads - piece.first_kv);
      }
    }
  }
  return pieces;
}

}  // namespace prefopt::gpu
