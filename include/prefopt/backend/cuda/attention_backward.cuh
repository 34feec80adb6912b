#pragma once

#include <algorithm>
#include <cstddef>

#include <prefopt/backend/attention_shape.hpp>
#include <prefopt/backend/cuda/attention.cuh>
#include <prefopt/backend/cuda/attention_plan.cuh>
#include <prefopt/backend/cuda/attention_tile.cuh>
#include <prefopt/backend/cuda/context.cuh>
#include <prefopt/backend/cuda/device.cuh>
#include <prefopt/backend/cuda/temporary.cuh>
#include <prefopt/backend/cuda/upload.cuh>
#include <prefopt/backend/matrix_view.hpp>

namespace prefopt::gpu {

// With P the probabilities of a row, O its output and dO the gradient of that:
//     dV_j = sum_i P_ij dO_i,  dP_ij = dO_i . V_j,  dS_ij = P_ij (dP_ij - dO_i . O_i) scale,
//     dQ_i = sum_j dS_ij K_j,  dK_j = sum_i dS_ij Q_i.
// A pass forward gives what P and dO . O need of a row; then one kernel goes over keys and sums dQ,
// one over queries and sums dK and dV. Every number is one chain of additions in a fixed order.

/// What the backward pass keeps of a row and head: P_ij = e^(scale (s_ij - top)) inverse.
struct attention_row {
  float top = 0.0F;
  float inverse = 0.0F;
  float mean = 0.0F;  // dO . O, which is sum_j P_ij dP_ij

  __device__ float probability(float score, float scale) const {
    return __expf((score - top) * scale) * inverse;
  }
};

/// Finishes `attention_forward` with an `attention_row`.
struct write_attention_row {
  attention_row* to;              // (T, heads)
  const float* context_gradient;  // (T, heads * head_width)

  template <unsigned PerThread>
  __device__ void operator()(const attention_layout& layout, unsigned head, std::size_t row,
                             bool valid, float top, float total,
                             const float (&sum)[PerThread]) const {
    const float inverse = 1.0F / total;
    float product = 0.0F;
    if (valid) {
      const float* const gradient =
          context_gradient + row * layout.context_columns() + head * layout.head_width;
#pragma unroll
      for (unsigned c = 0; c < PerThread; ++c) {
        const unsigned column = lane_in_group() + c * group_lanes;
        if (column < layout.head_width) product += sum[c] * inverse * gradient[column];
      }
    }
    product = group_sum(product);
    if (valid && lane_in_group() == 0) to[row * layout.heads + head] = {top, inverse, product};
  }
};

/// dQ. One block a query tile and head.
template <unsigned Width>
__global__ void __launch_bounds__(attention_threads,
                                  Width <= 32   ? 4
                                  : Width <= 64 ? 3
                                                : 2)  // or registers spill
    attention_query_gradient(const float* qkv, const float* context_gradient,
                             const attention_row* kept, const attention_segment* segments,
                             const query_tile* tiles, attention_layout layout,
                             float* qkv_gradient) {
  constexpr unsigned columns = attention_tile_columns<Width>;
  constexpr unsigned stride = tile_stride<Width>;
  constexpr unsigned per_thread = columns / group_lanes;
  float* const query = dynamic_shared<float>();                  // (32, Width)
  float* const gradient = query + attention_tile_rows * stride;  // (32, Width): dO
  float* const other = gradient + attention_tile_rows * stride;  // (columns, Width): values, keys
  float* const weights = other + columns * stride;               // (32, columns): dS

  const query_tile tile = tiles[blockIdx.x];
  const attention_segment segment = segments[tile.segment];
  const unsigned head = blockIdx.y;
  const unsigned kv = head / layout.group();
  const unsigned rows = min(attention_tile_rows, segment.length - tile.first);
  const std::size_t first_row = std::size_t{segment.begin} + tile.first;
  const auto numbers_at = [&](unsigned position, unsigned column) {
    return qkv + row_at(segment, position) * layout.qkv_columns() + column;
  };
  const unsigned first = segment.prefix_length + tile.first;
  load_tile<Width, attention_tile_rows>(query, rows, layout.head_width, [&](unsigned i) {
    return numbers_at(first + i, layout.query_column(head));
  });
  load_tile<Width, attention_tile_rows>(gradient, rows, layout.head_width, [&](unsigned i) {
    return context_gradient + (first_row + i) * layout.context_columns() + head * layout.head_width;
  });
  const bool windowed = layout.causal && layout.window != 0 && first >= layout.window;
  const unsigned begin = (windowed ? first + 1 - layout.window : 0) / columns * columns;
  const unsigned end = layout.causal ? first + rows : segment.prefix_length + segment.length;

  const unsigned row = first_row_of_thread();
  const unsigned lane = lane_in_group();
  attention_row known[rows_of_thread];
  float sum[rows_of_thread][Width / group_lanes];
#pragma unroll
  for (unsigned i = 0; i < rows_of_thread; ++i) {
    if (row + i < rows) known[i] = kept[(first_row + row + i) * layout.heads + head];
#pragma unroll
    for (unsigned c = 0; c < Width / group_lanes; ++c) sum[i][c] = 0.0F;
  }
  for (unsigned key = begin; key < end; key += columns) {
    const unsigned keys = min(columns, end - key);
    float slope[rows_of_thread][per_thread];  // dP
    float score[rows_of_thread][per_thread];
    __syncthreads();  // the keys of the tile before have been read
    load_tile<Width, columns>(other, keys, layout.head_width, [&](unsigned i) {
      return numbers_at(key + i, layout.value_column(kv));
    });
    __syncthreads();
    multiply_tiles<Width, columns>(gradient, other, slope);
    __syncthreads();
    load_tile<Width, columns>(other, keys, layout.head_width, [&](unsigned i) {
      return numbers_at(key + i, layout.key_column(kv));
    });
    __syncthreads();
    multiply_tiles<Width, columns>(query, other, score);
#pragma unroll
    for (unsigned i = 0; i < rows_of_thread; ++i) {
#pragma unroll
      for (unsigned j = 0; j < per_thread; ++j) {
        const unsigned column = lane + j * group_lanes;
        const bool seen = column < keys && layout.sees(first + row + i, key + column);
        weights[(row + i) * tile_stride<columns> + column] =
            seen ? known[i].probability(score[i][j], layout.scale) * (slope[i][j] - known[i].mean) *
                       layout.scale
                 : 0.0F;
      }
    }
    __syncthreads();
    add_weighted<Width, columns>(weights, other, sum);
  }
#pragma unroll
  for (unsigned i = 0; i < rows_of_thread; ++i) {
    if (row + i >= rows) continue;
    float* const to =
        qkv_gradient + (first_row + row + i) * layout.qkv_columns() + layout.query_column(head);
#pragma unroll
    for (unsigned c = 0; c < Width / group_lanes; ++c) {
      const unsigned column = lane + c * group_lanes;
      if (column < layout.head_width) to[column] = sum[i][c];
    }
  }
}

/// dK and dV. One block a key tile and key/value head; it goes over the query heads of that, and
/// for each over the queries of the segments that see the keys.
template <unsigned Width>
__global__ void __launch_bounds__(attention_threads,
                                  Width <= 64 ? 4 : 2)  // as many as shared memory allows
    attention_key_gradient(const float* qkv, const float* context_gradient,
                           const attention_row* kept, const attention_segment* segments,
                           const key_tile* tiles, attention_layout layout, float* qkv_gradient) {
  constexpr unsigned columns = attention_tile_rows;
  constexpr unsigned stride = tile_stride<Width>;
  constexpr unsigned per_thread = columns / group_lanes;
  float* const keys = dynamic_shared<float>();                     // (32, Width)
  float* const values = keys + columns * stride;                   // (32, Width)
  float* const query = values + columns * stride;                  // (32, Width)
  float* const gradient = query + columns * stride;                // (32, Width): dO
  float* const weights = gradient + columns * stride;              // (32, 32): P transposed
  float* const slopes = weights + columns * tile_stride<columns>;  // (32, 32): dS transposed

  const key_tile tile = tiles[blockIdx.x];
  const unsigned kv = blockIdx.y;
  const auto numbers_of = [&](std::size_t at, unsigned column) {
    return qkv + at * layout.qkv_columns() + column;
  };
  load_tile<Width, columns>(keys, tile.rows, layout.head_width, [&](unsigned i) {
    return numbers_of(std::size_t{tile.row} + i, layout.key_column(kv));
  });
  load_tile<Width, columns>(values, tile.rows, layout.head_width, [&](unsigned i) {
    return numbers_of(std::size_t{tile.row} + i, layout.value_column(kv));
  });
  const unsigned row = first_row_of_thread();
  const unsigned lane = lane_in_group();
  float key_sum[rows_of_thread][Width / group_lanes];
  float value_sum[rows_of_thread][Width / group_lanes];
#pragma unroll
  for (unsigned i = 0; i < rows_of_thread; ++i) {
#pragma unroll
    for (unsigned c = 0; c < Width / group_lanes; ++c) key_sum[i][c] = value_sum[i][c] = 0.0F;
  }
  for (unsigned head = kv * layout.group(); head < (kv + 1) * layout.group(); ++head) {
    for (unsigned viewer = tile.first_viewer; viewer < tile.last_viewer; ++viewer) {
      const attention_segment segment = segments[viewer];
      const bool own = tile.row >= segment.begin && tile.row - segment.begin < segment.length;
      const unsigned position = own ? segment.prefix_length + (tile.row - segment.begin)
                                    : tile.row - segment.prefix_begin;  // of the first key
      // The segment's rows that see one of the keys, from the border of a tile.
      unsigned begin = 0;
      unsigned end = segment.length;
      if (layout.causal) {
        if (position > segment.prefix_length) begin = position - segment.prefix_length;
        if (layout.window != 0) {
          const unsigned behind = position + tile.rows - 1 + layout.window;  // sees none any more
          end = min(end, behind - min(behind, segment.prefix_length));
        }
      }
      for (unsigned first = begin / columns * columns; first < end; first += columns) {
        const unsigned rows = min(columns, segment.length - first);
        const std::size_t first_row = std::size_t{segment.begin} + first;
        __syncthreads();  // the queries before have been read
        load_tile<Width, columns>(query, rows, layout.head_width, [&](unsigned i) {
          return numbers_of(first_row + i, layout.query_column(head));
        });
        load_tile<Width, columns>(gradient, rows, layout.head_width, [&](unsigned i) {
          return context_gradient + (first_row + i) * layout.context_columns() +
                 head * layout.head_width;
        });
        __syncthreads();
        float score[rows_of_thread][per_thread];
        float slope[rows_of_thread][per_thread];  // dP
        multiply_tiles<Width, columns>(keys, query, score);
        multiply_tiles<Width, columns>(values, gradient, slope);
#pragma unroll
        for (unsigned j = 0; j < per_thread; ++j) {
          const unsigned column = lane + j * group_lanes;
          attention_row known;
          if (column < rows) known = kept[(first_row + column) * layout.heads + head];
#pragma unroll
          for (unsigned i = 0; i < rows_of_thread; ++i) {
            const bool seen = column < rows && layout.sees(segment.prefix_length + first + column,
                                                           position + row + i);
            const float p = seen ? known.probability(score[i][j], layout.scale) : 0.0F;
            const unsigned to = (row + i) * tile_stride<columns> + column;
            weights[to] = p;
            slopes[to] = seen ? p * (slope[i][j] - known.mean) * layout.scale : 0.0F;
          }
        }
        __syncthreads();
        add_weighted<Width, columns>(weights, gradient, value_sum);
        add_weighted<Width, columns>(slopes, query, key_sum);
      }
    }
  }
#pragma unroll
  for (unsigned i = 0; i < rows_of_thread; ++i) {
    if (row + i >= tile.rows) continue;
    float* const to = qkv_gradient + (std::size_t{tile.row} + row + i) * layout.qkv_columns();
#pragma unroll
    for (unsigned c = 0; c < Width / group_lanes; ++c) {
      const unsigned column = lane + c * group_lanes;
      if (column >= layout.head_width) continue;
      to[layout.key_column(kv) + column] = key_sum[i][c];
      to[layout.value_column(kv) + column] = value_sum[i][c];
    }
  }
}

/// The tiled segments of a batch: writes the gradients of their queries, and of the keys and values
/// that they see.
inline void attend_backward_tiled(const attention_plan& plan, const attention_shape& shape,
                                  const_matrix_view qkv, const_matrix_view context_gradient,
                                  matrix_view qkv_gradient) {
  const uploaded<attention_segment> segments(plan.segments);
  const uploaded<query_tile> query_tiles(plan.queries);
  const uploaded<key_tile> key_tiles(plan.keys);
  const temporary<attention_row> rows(qkv.rows * shape.heads);
  const attention_layout layout(shape);
  const cudaStream_t stream = context::current().stream();
  const auto heads = static_cast<unsigned>(shape.heads);
  const auto kv_heads = static_cast<unsigned>(shape.kv_heads);
  with_tile_width(shape.head_width, [&](auto width) {
    constexpr unsigned w = decltype(width)::value;
    constexpr unsigned columns = attention_tile_columns<w>;
    constexpr unsigned rows_of_tile = attention_tile_rows;
    const dim3 query_grid(static_cast<unsigned>(query_tiles.size()), heads);
    launch(attention_forward<w, write_attention_row>, query_grid, attention_threads,
           attention_forward_bytes<w>(), stream, qkv.data, segments.data(), query_tiles.data(),
           layout, write_attention_row{rows.data(), context_gradient.data});
    launch(attention_query_gradient<w>, query_grid, attention_threads,
           sizeof(float) * ((2 * rows_of_tile + columns) * tile_stride<w> +
                            rows_of_tile * tile_stride<columns>),
           stream, qkv.data, context_gradient.data, rows.data(), segments.data(),
           query_tiles.data(), layout, qkv_gradient.data);
    launch(attention_key_gradient<w>, dim3(static_cast<unsigned>(key_tiles.size()), kv_heads),
           attention_threads,
           sizeof(float) * 4 * rows_of_tile * tile_stride<w> +
               sizeof(float) * 2 * rows_of_tile * tile_stride<rows_of_tile>,
           stream, qkv.data, context_gradient.data, rows.data(), segments.data(), key_tiles.data(),
           layout, qkv_gradient.data);
  });
}

}  // namespace prefopt::gpu
