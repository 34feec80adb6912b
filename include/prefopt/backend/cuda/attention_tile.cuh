#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <type_traits>

#include <prefopt/backend/attention_shape.hpp>
#include <prefopt/backend/cuda/attention_plan.cuh>
#include <prefopt/backend/cuda/device.cuh>
#include <prefopt/core/error.hpp>

namespace prefopt::gpu {

// Parts of the attention kernels: tiles of one head's rows in shared memory, and their products. A
// block of 128 threads works on a tile of 32 rows and one of other rows, its columns: 8 groups of
// 16 threads, a group to 4 rows; a thread has every sixteenth column, beginning with its lane.

inline constexpr unsigned attention_threads = 128;
inline constexpr unsigned rows_of_thread = 4;
inline constexpr unsigned group_lanes = 16;
static_assert(attention_threads / group_lanes * rows_of_thread == attention_tile_rows);

__device__ inline unsigned first_row_of_thread() {
  return threadIdx.x / group_lanes * rows_of_thread;
}
__device__ inline unsigned lane_in_group() {
  return threadIdx.x % group_lanes;
}

/// Columns of the tiles that the kernels go over, for heads of up to Width numbers.
template <unsigned Width>
inline constexpr unsigned attention_tile_columns = Width <= 128 ? 64 : 32;

/// Floats from row to row of a tile with that many columns. The 4 more make rows that are read
/// together lie in different banks.
template <unsigned Columns>
inline constexpr unsigned tile_stride = Columns + 4;

/// Where an attention layer's numbers are, and who sees what.
struct attention_layout {
  unsigned heads = 0;
  unsigned kv_heads = 0;
  unsigned head_width = 0;
  unsigned window = 0;
  bool causal = true;
  float scale = 1.0F;

  explicit attention_layout(const attention_shape& shape)
      : heads(static_cast<unsigned>(shape.heads)),
        kv_heads(static_cast<unsigned>(shape.kv_heads)),
        head_width(static_cast<unsigned>(shape.head_width)),
        window(static_cast<unsigned>(std::min<std::size_t>(shape.window, 1U << 30U))),
        causal(shape.kind == attention_kind::causal),
        scale(shape.scale()) {}

  __device__ unsigned group() const { return heads / kv_heads; }
  __device__ unsigned qkv_columns() const { return (heads + 2 * kv_heads) * head_width; }
  __device__ unsigned context_columns() const { return heads * head_width; }
  __device__ unsigned query_column(unsigned head) const { return head * head_width; }
  __device__ unsigned key_column(unsigned kv) const { return (heads + kv) * head_width; }
  __device__ unsigned value_column(unsigned kv) const {
    return (heads + kv_heads + kv) * head_width;
  }
  /// Whether the row at position `query` sees the one at `key`.
  __device__ bool sees(unsigned query, unsigned key) const {
    return !causal || (key <= query && (window == 0 || query - key < window));
  }
};

/// The row of the packed matrix that stands at that position for a segment's rows.
__device__ inline std::size_t row_at(const attention_segment& segment, unsigned position) {
  return position < segment.prefix_length ? segment.prefix_begin + position
                                          : segment.begin + (position - segment.prefix_length);
}

/// Copies rows [0, rows) of one head, `numbers(i)` its row i, to a tile; what they lack is 0.
template <unsigned Width, unsigned Rows, class Numbers>
__device__ void load_tile(float* tile, unsigned rows, unsigned head_width, Numbers numbers) {
#pragma unroll 4
  for (unsigned n = threadIdx.x; n < Rows * Width; n += attention_threads) {
    const unsigned row = n / Width;
    const unsigned column = n % Width;
    const bool there = row < rows && column < head_width;
    tile[row * tile_stride<Width> + column] = there ? numbers(row)[column] : 0.0F;
  }
}

__device__ inline float4 load_four(const float* from) {
  return *reinterpret_cast<const float4*>(from);
}

/// out[i][j] = the product of the thread's row i of a tile and column j of another.
template <unsigned Width, unsigned Columns>
__device__ void multiply_tiles(const float* rows, const float* columns,
                               float (&out)[rows_of_thread][Columns / group_lanes]) {
  constexpr unsigned per_thread = Columns / group_lanes;
#pragma unroll
  for (unsigned i = 0; i < rows_of_thread; ++i) {
#pragma unroll
    for (unsigned j = 0; j < per_thread; ++j) out[i][j] = 0.0F;
  }
  const float* const left = rows + first_row_of_thread() * tile_stride<Width>;
  const float* const right = columns + lane_in_group() * tile_stride<Width>;
#pragma unroll 2  // all of it would need more registers than there are
  for (unsigned k = 0; k < Width; k += 4) {
    float4 a[rows_of_thread];
#pragma unroll
    for (unsigned i = 0; i < rows_of_thread; ++i)
      a[i] = load_four(left + i * tile_stride<Width> + k);
#pragma unroll
    for (unsigned j = 0; j < per_thread; ++j) {
      const float4 b = load_four(right + j * group_lanes * tile_stride<Width> + k);
#pragma unroll
      for (unsigned i = 0; i < rows_of_thread; ++i) {
        out[i][j] += a[i].x * b.x;
        out[i][j] += a[i].y * b.y;
        out[i][j] += a[i].z * b.z;
        out[i][j] += a[i].w * b.w;
      }
    }
  }
}

/// sum[i][c] += the product of the thread's row i of the weights (rows, Columns) and column
/// lane + 16 c of the values (Columns, Width).
template <unsigned Width, unsigned Columns>
__device__ void add_weighted(const float* weights, const float* values,
                             float (&sum)[rows_of_thread][Width / group_lanes]) {
  const float* const left = weights + first_row_of_thread() * tile_stride<Columns>;
  const float* const right = values + lane_in_group();
#pragma unroll 1
  for (unsigned k = 0; k < Columns; k += 4) {
    float4 w[rows_of_thread];
#pragma unroll
    for (unsigned i = 0; i < rows_of_thread; ++i)
      w[i] = load_four(left + i * tile_stride<Columns> + k);
#pragma unroll
    for (unsigned c = 0; c < Width / group_lanes; ++c) {
      const float* const v = right + k * tile_stride<Width> + c * group_lanes;
#pragma unroll
      for (unsigned i = 0; i < rows_of_thread; ++i) {
        sum[i][c] += w[i].x * v[0];
        sum[i][c] += w[i].y * v[tile_stride<Width>];
        sum[i][c] += w[i].z * v[2 * tile_stride<Width>];
        sum[i][c] += w[i].w * v[3 * tile_stride<Width>];
      }
    }
  }
}

/// The sum, or the largest but for NaN, over the 16 threads of a group, in each of them.
__device__ inline float group_sum(float value) {
#pragma unroll
  for (int distance = group_lanes / 2; distance > 0; distance /= 2) {
    value += __shfl_xor_sync(0xffffffffU, value, distance);
  }
  return value;
}
__device__ inline float group_max(float value) {
#pragma unroll
  for (int distance = group_lanes / 2; distance > 0; distance /= 2) {
    value = fmaxf(value, __shfl_xor_sync(0xffffffffU, value, distance));
  }
  return value;
}

/// Throws `usage_error` for heads of more than 256 numbers.
inline void check_head_width(std::size_t head_width) {
  if (head_width <= 256) return;
  throw usage_error("attention on CUDA is for heads of up to 256 numbers, but these have " +
                    std::to_string(head_width));
}

/// Calls `use` with the width that tiles for such heads have, as `std::integral_constant`.
template <class Use>
void with_tile_width(std::size_t head_width, Use use) {
  check_head_width(head_width);
  if (head_width <= 32) return use(std::integral_constant<unsigned, 32>{});
  if (head_width <= 64) return use(std::integral_constant<unsigned, 64>{});
  if (head_width <= 128) return use(std::integral_constant<unsigned, 128>{});
  return use(std::integral_constant<unsigned, 256>{});
}

}  // namespace prefopt::gpu
