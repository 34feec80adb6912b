#pragma once

#include <cstddef>
#include <span>

#include <prefopt/backend/attention_shape.hpp>
#include <prefopt/backend/cuda/attention_tile.cuh>
#include <prefopt/backend/cuda/context.cuh>
#include <prefopt/backend/cuda/device.cuh>
#include <prefopt/backend/cuda/elements.cuh>
#include <prefopt/backend/cuda/reduce.cuh>
#include <prefopt/backend/cuda/upload.cuh>
#include <prefopt/backend/matrix_view.hpp>

namespace prefopt::gpu {

inline constexpr unsigned decode_warps = 4;
inline constexpr unsigned decode_together = 4;  // positions that a warp reads at once

/// Attention of one query over its cached keys and values. One block a row and head: every warp
/// takes 4 positions of 16 and keeps the softmax of its own, and the first puts the four together.
template <unsigned Width>
__global__ void __launch_bounds__(decode_warps* warp_threads)
    attend_cached_rows(const decode_context* rows, const float* qkv, attention_layout layout,
                       float* context) {
  constexpr unsigned per_lane = Width / warp_threads;
  struct part {
    float top;
    float total;
    float sum[Width];
  };
  auto& parts = block_shared<part[decode_warps]>();
  const decode_context row = rows[blockIdx.x];
  const unsigned head = blockIdx.y;
  const unsigned warp = threadIdx.x / warp_threads;
  const unsigned lane = threadIdx.x % warp_threads;
  const std::size_t key = std::size_t{head / layout.group()} * layout.head_width;
  const std::size_t value = key + std::size_t{layout.kv_heads} * layout.head_width;
  const std::size_t stride = std::size_t{2 * layout.kv_heads} * layout.head_width;
  const std::size_t length = row.prompt_length + row.own_length;
  const std::size_t first =
      layout.window == 0 || length <= layout.window ? 0 : length - layout.window;
  const float* const from =
      qkv + std::size_t{blockIdx.x} * layout.qkv_columns() + layout.query_column(head);
  float query[per_lane];
  float sum[per_lane];
#pragma unroll
  for (unsigned c = 0; c < per_lane; ++c) {
    const unsigned column = lane + c * warp_threads;
    query[c] = column < layout.head_width ? from[column] : 0.0F;
    sum[c] = 0.0F;
  }
  float top = -3.4e38F;  // not infinity: the difference of two infinities is NaN
  float total = 0.0F;
  for (std::size_t i = first + warp * decode_together; i < length;
       i += decode_warps * decode_together) {
    const float* at[decode_together];
    float score[decode_together];
    float best = top;
#pragma unroll
    for (unsigned j = 0; j < decode_together; ++j) {
      const std::size_t position = i + j < length ? i + j : length - 1;
      at[j] = position < row.prompt_length ? row.prompt + position * stride
                                           : row.own + (position - row.prompt_length) * stride;
      score[j] = 0.0F;
#pragma unroll
      for (unsigned c = 0; c < per_lane; ++c) {
        const unsigned column = lane + c * warp_threads;
        if (column < layout.head_width) score[j] += query[c] * at[j][key + column];
      }
    }
#pragma unroll
    for (unsigned j = 0; j < decode_together; ++j) {
      score[j] = warp_sum(score[j]);
      if (i + j < length) best = fmaxf(best, score[j]);
    }
    const float shrink = __expf((top - best) * layout.scale);
    top = best;
    total *= shrink;
#pragma unroll
    for (unsigned c = 0; c < per_lane; ++c) sum[c] *= shrink;
#pragma unroll
    for (unsigned j = 0; j < decode_together; ++j) {
      if (i + j >= length) continue;
      const float weight = __expf((score[j] - best) * layout.scale);
      total += weight;
#pragma unroll
      for (unsigned c = 0; c < per_lane; ++c) {
        const unsigned column = lane + c * warp_threads;
        if (column < layout.head_width) sum[c] += weight * at[j][value + column];
      }
    }
  }
  parts[warp].top = top;
  parts[warp].total = total;
#pragma unroll
  for (unsigned c = 0; c < per_lane; ++c) parts[warp].sum[lane + c * warp_threads] = sum[c];
  __syncthreads();
  if (warp != 0) return;
  for (const part& other : parts) top = fmaxf(top, other.top);
  total = 0.0F;
  float factor[decode_warps];
#pragma unroll
  for (unsigned w = 0; w < decode_warps; ++w) {
    factor[w] = __expf((parts[w].top - top) * layout.scale);
    total += factor[w] * parts[w].total;
  }
  float* const to = context + std::size_t{blockIdx.x} * layout.context_columns() +
                    std::size_t{head} * layout.head_width;
#pragma unroll
  for (unsigned c = 0; c < per_lane; ++c) {
    const unsigned column = lane + c * warp_threads;
    float result = 0.0F;
#pragma unroll
    for (unsigned w = 0; w < decode_warps; ++w) result += factor[w] * parts[w].sum[column];
    if (column < layout.head_width) to[column] = result / total;
  }
}

/// Attention of one new token a row over its cached keys and values, of which there is one at
/// least. qkv (R, (heads + 2 kv_heads) * head_width) belongs to the new tokens; their keys and
/// values must be in the cache already. context (R, heads * head_width). A row's result depends on
/// its own cache alone.
inline void attend_cached(std::span<const decode_context> rows, const attention_shape& shape,
                          const_matrix_view qkv, matrix_view context) {
  if (rows.empty()) return;
  const uploaded<decode_context> contexts(rows);
  with_tile_width(shape.head_width, [&](auto width) {
    launch(attend_cached_rows<decltype(width)::value>,
           dim3(static_cast<unsigned>(rows.size()), static_cast<unsigned>(shape.heads)),
           decode_warps * warp_threads, 0, context::current().stream(), contexts.data(), qkv.data,
           attention_layout(shape), context.data);
  });
}

/// Element i of what all rows put into their caches, end to end.
struct append_elements {
  const float* qkv;  // from the first key of the first row on
  std::size_t columns;
  std::size_t width;  // of a row's keys and values
  float* const* places;
  __device__ void operator()(std::size_t i) const {
    const std::size_t row = i / width;
    const std::size_t column = i - row * width;
    places[row][column] = qkv[row * columns + column];
  }
};

/// Copies the keys and values of each row of qkv (R, (heads + 2 kv_heads) * head_width) to its
/// place (R) in a cache.
inline void append_cache(const_matrix_view qkv, const attention_shape& shape,
                         std::span<float* const> places) {
  if (places.empty()) return;
  const uploaded<float*> to(places);
  const std::size_t width = 2 * shape.kv_heads * shape.head_width;
  for_each_element(places.size() * width,
                   append_elements{qkv.data + shape.key_column(0), qkv.columns, width, to.data()});
}

}  // namespace prefopt::gpu
