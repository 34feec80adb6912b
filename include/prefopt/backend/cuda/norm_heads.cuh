#pragma once

#include <algorithm>
#include <cstddef>

#include <prefopt/backend/attention_shape.hpp>
#include <prefopt/backend/cuda/context.cuh>
#include <prefopt/backend/cuda/device.cuh>
#include <prefopt/backend/cuda/reduce.cuh>
#include <prefopt/backend/cuda/temporary.cuh>
#include <prefopt/backend/matrix_view.hpp>

namespace prefopt::gpu {

// RMS norm of every query and key head by itself: with z = x / sqrt(mean(x^2) + eps) of a head, y =
// z * weight, one weight for all query heads and one for all key heads. A warp takes a head.

inline constexpr unsigned norm_heads_warps = 4;

/// 1 / sqrt(mean(x^2) + eps), in every thread of the warp.
__device__ inline float head_scale(const float* x, unsigned width, float epsilon) {
  float squares = 0.0F;
  for (unsigned c = threadIdx.x % warp_threads; c < width; c += warp_threads)
    squares += x[c] * x[c];
  return 1.0F / sqrtf(warp_sum(squares) / static_cast<float>(width) + epsilon);
}

/// All heads of all rows, `all` of them in a row, of which the first `heads` are queries and those
/// from `copied` on values.
template <int = 0>
__global__ void __launch_bounds__(norm_heads_warps* warp_threads)
    norm_heads_forward(const float* x, std::size_t count, unsigned all, unsigned heads,
                       unsigned copied, unsigned width, const float* query_weight,
                       const float* key_weight, float epsilon, float* y) {
  const std::size_t n = std::size_t{blockIdx.x} * norm_heads_warps + threadIdx.x / warp_threads;
  if (n >= count) return;  // the whole warp
  const auto head = static_cast<unsigned>(n % all);
  const float* const in = x + n * width;
  float* const out = y + n * width;
  const float* const weight = head < heads ? query_weight : key_weight;
  const float scale = head < copied ? head_scale(in, width, epsilon) : 1.0F;
  for (unsigned c = threadIdx.x % warp_threads; c < width; c += warp_threads) {
    out[c] = head < copied ? in[c] * scale * weight[c] : in[c];
  }
}

/// What the backward pass needs of the queries, or of the keys.
struct normed_heads {
  unsigned first = 0;  // head of a row
  unsigned heads = 0;
  const float* weight = nullptr;
  float* weight_gradient = nullptr;  // or null
};

/// dy -> dx in place, and of every block's rows the sum for the weights' gradient, to `partial`
/// (2, blocks, width): blockIdx.y is 0 for queries, 1 for keys.
template <int = 0>
__global__ void __launch_bounds__(norm_heads_warps* warp_threads)
    norm_heads_gradient(const float* x, std::size_t rows, std::size_t columns, unsigned width,
                        normed_heads queries, normed_heads keys, float epsilon, float* dy,
                        float* partial) {
  const normed_heads use = blockIdx.y == 0 ? queries : keys;
  float* const sums = dynamic_shared<float>();  // (warps, width), every column its thread's own
  const unsigned warp = threadIdx.x / warp_threads;
  const unsigned lane = threadIdx.x % warp_threads;
  for (unsigned c = lane; c < width; c += warp_threads) sums[warp * width + c] = 0.0F;
  const std::size_t count = rows * use.heads;
  for (std::size_t n = std::size_t{blockIdx.x} * norm_heads_warps + warp; n < count;
       n += std::size_t{gridDim.x} * norm_heads_warps) {
    const std::size_t at = n / use.heads * columns + (use.first + n % use.heads) * width;
    const float* const in = x + at;
    float* const g = dy + at;
    const float scale = head_scale(in, width, epsilon);
    // With u = dy weight: dx = scale (u - z mean(u z)).
    float product = 0.0F;
    for (unsigned c = lane; c < width; c += warp_threads) {
      product += g[c] * use.weight[c] * in[c] * scale;
    }
    const float mean = warp_sum(product) / static_cast<float>(width);
    for (unsigned c = lane; c < width; c += warp_threads) {
      const float z = in[c] * scale;
      sums[warp * width + c] += g[c] * z;
      g[c] = scale * (g[c] * use.weight[c] - z * mean);
    }
  }
  __syncthreads();
  for (unsigned c = threadIdx.x; c < width; c += norm_heads_warps * warp_threads) {
    float sum = 0.0F;
    for (unsigned w = 0; w < norm_heads_warps; ++w) sum += sums[w * width + c];
    partial[(std::size_t{blockIdx.y} * gridDim.x + blockIdx.x) * width + c] = sum;
  }
}

/// Adds the blocks' sums to the weights' gradients, in the order of the blocks.
template <int = 0>
__global__ void __launch_bounds__(256)
    norm_heads_weight_gradient(const float* partial, unsigned blocks, unsigned width,
                               normed_heads queries, normed_heads keys) {
  const normed_heads use = blockIdx.y == 0 ? queries : keys;
  const unsigned c = blockIdx.x * blockDim.x + threadIdx.x;
  if (c >= width || use.weight_gradient == nullptr) return;
  float sum = 0.0F;
  for (unsigned b = 0; b < blocks; ++b) {
    sum += partial[(std::size_t{blockIdx.y} * blocks + b) * width + c];
  }
  use.weight_gradient[c] += sum;
}

/// x, y (rows, (heads + 2 kv_heads) * head_width); values are copied.
inline void norm_heads(const_matrix_view x, const attention_shape& shape, const float* query_weight,
                       const float* key_weight, float epsilon, matrix_view y) {
  const std::size_t all = shape.heads + 2 * shape.kv_heads;
  const std::size_t count = x.rows * all;
  if (count == 0) return;
  launch(norm_heads_forward<>,
         static_cast<unsigned>((count + norm_heads_warps - 1) / norm_heads_warps),
         norm_heads_warps * warp_threads, 0, context::current().stream(), x.data, count,
         static_cast<unsigned>(all), static_cast<unsigned>(shape.heads),
         static_cast<unsigned>(shape.heads + shape.kv_heads),
         static_cast<unsigned>(shape.head_width), query_weight, key_weight, epsilon, y.data);
}

/// Turns dy into dx in place; the weights' gradients, which may be null, are added to.
inline void norm_heads_backward(const_matrix_view x, const attention_shape& shape,
                                const float* query_weight, const float* key_weight, float epsilon,
                                matrix_view dy, float* query_weight_gradient,
                                float* key_weight_gradient) {
  if (x.rows == 0) return;
  const auto width = static_cast<unsigned>(shape.head_width);
  const auto heads = static_cast<unsigned>(shape.heads);
  const auto kv_heads = static_cast<unsigned>(shape.kv_heads);
  const normed_heads queries{0, heads, query_weight, query_weight_gradient};
  const normed_heads keys{heads, kv_heads, key_weight, key_weight_gradient};
  // By the rows alone, so that the sums are the same on every device.
  const auto blocks = static_cast<unsigned>(
      std::min<std::size_t>((x.rows * heads + norm_heads_warps - 1) / norm_heads_warps, 512));
  const temporary<float> partial(std::size_t{2} * blocks * width);
  const cudaStream_t stream = context::current().stream();
  launch(norm_heads_gradient<>, dim3(blocks, 2), norm_heads_warps * warp_threads,
         sizeof(float) * norm_heads_warps * width, stream, x.data, x.rows, x.columns, width,
         queries, keys, epsilon, dy.data, partial.data());
  if (query_weight_gradient == nullptr && key_weight_gradient == nullptr) return;
  constexpr unsigned threads = 256;
  launch(norm_heads_weight_gradient<>, dim3((width + threads - 1) / threads, 2), threads, 0, stream,
         partial.data(), blocks, width, queries, keys);
}

}  // namespace prefopt::gpu
