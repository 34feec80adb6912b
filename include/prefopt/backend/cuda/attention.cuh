#pragma once

#include <cstddef>

#include <prefopt/backend/attention_shape.hpp>
#include <prefopt/backend/cuda/attention_plan.cuh>
#include <prefopt/backend/cuda/attention_tile.cuh>
#include <prefopt/backend/cuda/context.cuh>
#include <prefopt/backend/cuda/device.cuh>
#include <prefopt/backend/cuda/upload.cuh>
#include <prefopt/backend/matrix_view.hpp>

namespace prefopt::gpu {

/// Goes over the keys that a tile of queries sees, tile by tile, with the softmax of what was seen
/// so far (Milakov and Gimelshein 2018; Dao et al. 2022): with the largest score m and the sum of
/// exponentials l, a tile whose largest score is m' makes
///     m <- max(m, m'),  l <- l e^(m_old - m) + sum_j e^(s_j - m),  o likewise with values.
/// Memory does not grow with the length. One block a query tile and head; `finish(head, row, i,
/// valid, m, l, o)` takes what became of the thread's row i, `row` of the packed matrix where
/// valid.
template <unsigned Width, class Finish>
__global__ void __launch_bounds__(attention_threads)
    attention_forward(const float* qkv, const attention_segment* segments, const query_tile* tiles,
                      attention_layout layout, Finish finish) {
  constexpr unsigned columns = attention_tile_columns<Width>;
  constexpr unsigned stride = tile_stride<Width>;
  constexpr unsigned per_thread = columns / group_lanes;
  float* const query = dynamic_shared<float>();               // (32, Width)
  float* const other = query + attention_tile_rows * stride;  // (columns, Width): keys, then values
  float* const weights = other + columns * stride;            // (32, columns)

  const query_tile tile = tiles[blockIdx.x];
  const attention_segment segment = segments[tile.segment];
  const unsigned head = blockIdx.y;
  const unsigned kv = head / layout.group();
  const unsigned rows = min(attention_tile_rows, segment.length - tile.first);
  const auto numbers_at = [&](unsigned position, unsigned column) {
    return qkv + row_at(segment, position) * layout.qkv_columns() + column;
  };
  const unsigned first = segment.prefix_length + tile.first;  // position of the first query
  load_tile<Width, attention_tile_rows>(query, rows, layout.head_width, [&](unsigned i) {
    return numbers_at(first + i, layout.query_column(head));
  });

  // The positions that one of the queries sees, from the border of a tile.
  const bool windowed = layout.causal && layout.window != 0 && first >= layout.window;
  const unsigned begin = (windowed ? first + 1 - layout.window : 0) / columns * columns;
  const unsigned end = layout.causal ? first + rows : segment.prefix_length + segment.length;

  const unsigned row = first_row_of_thread();
  const unsigned lane = lane_in_group();
  float top[rows_of_thread];
  float total[rows_of_thread];  // the thread's part
  float sum[rows_of_thread][Width / group_lanes];
#pragma unroll
  for (unsigned i = 0; i < rows_of_thread; ++i) {
    top[i] = -3.4e38F;  // not infinity: the difference of two infinities is NaN
    total[i] = 0.0F;
#pragma unroll
    for (unsigned c = 0; c < Width / group_lanes; ++c) sum[i][c] = 0.0F;
  }
  for (unsigned key = begin; key < end; key += columns) {
    const unsigned keys = min(columns, end - key);
    __syncthreads();  // the values of the tile before have been read
    load_tile<Width, columns>(other, keys, layout.head_width, [&](unsigned i) {
      return numbers_at(key + i, layout.key_column(kv));
    });
    __syncthreads();
    float score[rows_of_thread][per_thread];
    multiply_tiles<Width, columns>(query, other, score);
#pragma unroll
    for (unsigned i = 0; i < rows_of_thread; ++i) {
      float best = top[i];
      bool seen[per_thread];
#pragma unroll
      for (unsigned j = 0; j < per_thread; ++j) {
        const unsigned column = lane + j * group_lanes;
        seen[j] = column < keys && layout.sees(first + row + i, key + column);
        if (seen[j]) best = fmaxf(best, score[i][j]);
      }
      best = group_max(best);
      const float shrink = __expf((top[i] - best) * layout.scale);
      top[i] = best;
      total[i] *= shrink;
#pragma unroll
      for (unsigned c = 0; c < Width / group_lanes; ++c) sum[i][c] *= shrink;
#pragma unroll
      for (unsigned j = 0; j < per_thread; ++j) {
        const float weight = seen[j] ? __expf((score[i][j] - best) * layout.scale) : 0.0F;
        total[i] += weight;
        weights[(row + i) * tile_stride<columns> + lane + j * group_lanes] = weight;
      }
    }
    __syncthreads();  // the keys have been read, the weights written
    load_tile<Width, columns>(other, keys, layout.head_width, [&](unsigned i) {
      return numbers_at(key + i, layout.value_column(kv));
    });
    __syncthreads();
    add_weighted<Width, columns>(weights, other, sum);
  }
#pragma unroll
  for (unsigned i = 0; i < rows_of_thread; ++i) {
    const bool valid = row + i < rows;
    const std::size_t at = std::size_t{segment.begin} + tile.first + row + i;
    finish(layout, head, at, valid, top[i], group_sum(total[i]), sum[i]);
  }
}

/// Writes a row's part of the context.
struct write_context {
  float* context;  // (T, heads * head_width)

  template <unsigned PerThread>
  __device__ void operator()(const attention_layout& layout, unsigned head, std::size_t row,
                             bool valid, float /*top*/, float total,
                             const float (&sum)[PerThread]) const {
    if (!valid) return;
    float* const to = context + row * layout.context_columns() + head * layout.head_width;
    const float inverse = 1.0F / total;
#pragma unroll
    for (unsigned c = 0; c < PerThread; ++c) {
      const unsigned column = lane_in_group() + c * group_lanes;
      if (column < layout.head_width) to[column] = sum[c] * inverse;
    }
  }
};

/// Bytes of shared memory of a block of `attention_forward`.
template <unsigned Width>
constexpr std::size_t attention_forward_bytes() {
  constexpr unsigned columns = attention_tile_columns<Width>;
  return sizeof(float) * ((attention_tile_rows + columns) * tile_stride<Width> +
                          attention_tile_rows * tile_stride<columns>);
}

/// The tiled segments of a batch.
inline void attend_tiled(const attention_plan& plan, const attention_shape& shape,
                         const_matrix_view qkv, matrix_view context) {
  const uploaded<attention_segment> segments(plan.segments);
  const uploaded<query_tile> tiles(plan.queries);
  with_tile_width(shape.head_width, [&](auto width) {
    constexpr unsigned w = decltype(width)::value;
    launch(attention_forward<w, write_context>,
           dim3(static_cast<unsigned>(tiles.size()), static_cast<unsigned>(shape.heads)),
           attention_threads, attention_forward_bytes<w>(), context::current().stream(), qkv.data,
           segments.data(), tiles.data(), attention_layout(shape), write_context{context.data});
  });
}

}  // namespace prefopt::gpu
