#pragma once

#include <cstddef>

#include <prefopt/backend/cuda/attention_heads.cuh>
#include <prefopt/backend/cuda/attention_tile.cuh>
#include <prefopt/backend/cuda/device.cuh>
#include <prefopt/backend/cuda/reduce.cuh>

namespace prefopt::gpu {

// What the batched form of attention computes between its products: one warp a row of scores, of
// which it looks at those of positions that the row sees, and at no others.

inline constexpr unsigned softmax_warps = 4;  // of a block

/// Matrices of scores (heads * rows, columns): which key a column is, and who sees it.
struct score_rows {
  attention_layout layout;
  unsigned rows = 0;       // of a head
  unsigned count = 0;      // of all heads
  unsigned position = 0;   // of a head's first row
  unsigned first_key = 0;  // position of the first column
  unsigned keys = 0;
  unsigned columns = 0;  // keys, and zeros

  /// The columns that a row sees: [begin, end).
  __device__ unsigned begin(unsigned row) const {
    if (!layout.causal || layout.window == 0) return 0;
    const unsigned behind = position + row % rows + 1;
    const unsigned first = behind - min(behind, layout.window);
    return first - min(first, first_key);
  }
  __device__ unsigned end(unsigned row) const {
    return layout.causal ? position + row % rows + 1 - first_key : keys;
  }
};

/// The largest of a row's scores that it sees; in every thread of the warp.
__device__ inline float largest_score(const float* scores, unsigned begin, unsigned end) {
  float top = -3.4e38F;  // not infinity: the difference of two infinities is NaN
  for (unsigned j = begin + threadIdx.x % warp_threads; j < end; j += warp_threads) {
    top = fmaxf(top, scores[j]);
  }
  return warp_max(top);
}

/// scores -> weights, the softmax over what a row sees, and 0 for what it does not see.
template <class Number>
__global__ void __launch_bounds__(softmax_warps* warp_threads)
    attention_softmax(const float* scores, score_rows all, Number* weights) {
  const unsigned row = blockIdx.x * softmax_warps + threadIdx.x / warp_threads;
  if (row >= all.count) return;  // the whole warp
  const unsigned lane = threadIdx.x % warp_threads;
  const unsigned begin = all.begin(row);
  const unsigned end = all.end(row);
  const float scale = all.layout.scale;
  const float* const from = scores + std::size_t{row} * all.columns;
  Number* const to = weights + std::size_t{row} * all.columns;
  const float top = largest_score(from, begin, end);
  float total = 0.0F;
  for (unsigned j = begin + lane; j < end; j += warp_threads) {
    total += __expf((from[j] - top) * scale);
  }
  const float inverse = 1.0F / warp_sum(total);
  for (unsigned j = lane; j < all.columns; j += warp_threads) {
    const bool seen = j >= begin && j < end;
    store_as(seen ? __expf((from[j] - top) * scale) * inverse : 0.0F, to + j);
  }
}

/// With the gradient of the weights, dP (slopes), also that of the scores before they are scaled:
///     dS_j = P_j (dP_j - sum_k P_k dP_k) scale.
/// The weights that multiply here are not rounded.
template <class Number>
__global__ void __launch_bounds__(softmax_warps* warp_threads)
    attention_softmax_gradient(const float* scores, const float* slopes, score_rows all,
                               Number* weights, Number* gradients) {
  const unsigned row = blockIdx.x * softmax_warps + threadIdx.x / warp_threads;
  if (row >= all.count) return;  // the whole warp
  const unsigned lane = threadIdx.x % warp_threads;
  const unsigned begin = all.begin(row);
  const unsigned end = all.end(row);
  const float scale = all.layout.scale;
  const std::size_t at = std::size_t{row} * all.columns;
  const float top = largest_score(scores + at, begin, end);
  float total = 0.0F;
  float weighted = 0.0F;
  for (unsigned j = begin + lane; j < end; j += warp_threads) {
    const float weight = __expf((scores[at + j] - top) * scale);
    total += weight;
    weighted += weight * slopes[at + j];
  }
  const float inverse = 1.0F / warp_sum(total);
  const float mean = warp_sum(weighted) * inverse;
  for (unsigned j = lane; j < all.columns; j += warp_threads) {
    const bool seen = j >= begin && j < end;
    const float weight = seen ? __expf((scores[at + j] - top) * scale) * inverse : 0.0F;
    store_as(weight, weights + at + j);
    store_as(seen ? weight * (slopes[at + j] - mean) * scale : 0.0F, gradients + at + j);
  }
}

}  // namespace prefopt::gpu
