#pragma once

#include <cstddef>

#include <prefopt/backend/cuda/column_sums.cuh>
#include <prefopt/backend/cuda/context.cuh>
#include <prefopt/backend/cuda/device.cuh>
#include <prefopt/backend/cuda/reduce.cuh>
#include <prefopt/backend/cuda/temporary.cuh>
#include <prefopt/backend/kinds.hpp>
#include <prefopt/backend/matrix_view.hpp>

namespace prefopt::gpu {

// y = (x - mean) / sqrt(var + eps) * weight + bias      layer norm (Ba et al. 2016)
// y = x / sqrt(mean(x^2) + eps) * weight                RMS norm (Zhang and Sennrich 2019)
// both row by row over (rows, width). A block takes a row.

inline constexpr unsigned norm_most_threads = 256;

/// Threads of a block for rows of that width: whole warps, about 4 numbers a thread.
inline unsigned norm_threads(std::size_t width) {
  unsigned threads = warp_threads;
  while (threads < norm_most_threads && threads * 4 < width) threads *= 2;
  return threads;
}

struct norm_statistics {
  float mean;
  float scale;  // 1 / sqrt(var + eps)
};

/// Of a row, the same in every thread of the block. `Centred` is layer norm, otherwise the mean is
/// taken as 0.
template <bool Centred>
__device__ norm_statistics norm_statistics_of(const float* x, unsigned width, float epsilon) {
  const float n = static_cast<float>(width);
  float mean = 0.0F;
  if constexpr (Centred) {
    float sum = 0.0F;
    for (unsigned i = threadIdx.x; i < width; i += blockDim.x) sum += x[i];
    mean = block_sum(sum) / n;
  }
  float squares = 0.0F;
  for (unsigned i = threadIdx.x; i < width; i += blockDim.x) {
    const float d = x[i] - mean;
    squares += d * d;
  }
  return {mean, 1.0F / sqrtf(block_sum(squares) / n + epsilon)};
}

template <bool Centred>
__global__ void __launch_bounds__(norm_most_threads)
    norm_forward_rows(const float* x, unsigned width, const float* weight, const float* bias,
                      float epsilon, float* y) {
  const float* const in = x + std::size_t{blockIdx.x} * width;
  float* const out = y + std::size_t{blockIdx.x} * width;
  const norm_statistics s = norm_statistics_of<Centred>(in, width, epsilon);
  for (unsigned i = threadIdx.x; i < width; i += blockDim.x) {
    const float value = (in[i] - s.mean) * s.scale * weight[i];
    out[i] = bias == nullptr ? value : value + bias[i];
  }
}

/// With z = (x - mean) scale and u = dy weight: dx += scale (u - mean(u) - z mean(u z)), the middle
/// term for layer norm only.
template <bool Centred>
__global__ void __launch_bounds__(norm_most_threads)
    norm_backward_rows(const float* x, unsigned width, const float* weight, float epsilon,
                       const float* dy, float* dx, norm_statistics* statistics) {
  const std::size_t start = std::size_t{blockIdx.x} * width;
  const float* const in = x + start;
  const float* const g = dy + start;
  float* const out = dx + start;
  const norm_statistics s = norm_statistics_of<Centred>(in, width, epsilon);
  if (threadIdx.x == 0) statistics[blockIdx.x] = s;
  float sum_u = 0.0F;
  float sum_uz = 0.0F;
  for (unsigned i = threadIdx.x; i < width; i += blockDim.x) {
    const float u = g[i] * weight[i];
    sum_u += u;
    sum_uz += u * ((in[i] - s.mean) * s.scale);
  }
  const float n = static_cast<float>(width);
  const float mean_uz = block_sum(sum_uz) / n;
  const float mean_u = Centred ? block_sum(sum_u) / n : 0.0F;
  for (unsigned i = threadIdx.x; i < width; i += blockDim.x) {
    const float z = (in[i] - s.mean) * s.scale;
    out[i] += s.scale * (g[i] * weight[i] - mean_u - z * mean_uz);
  }
}

/// dy z, whose column sums are the gradient of the weight.
struct norm_weight_term {
  const float* x;
  const float* dy;
  const norm_statistics* statistics;
  std::size_t columns;
  __device__ float operator()(std::size_t row, std::size_t column) const {
    const norm_statistics s = statistics[row];
    const std::size_t i = row * columns + column;
    return dy[i] * ((x[i] - s.mean) * s.scale);
  }
};

/// `bias` may be null.
inline void norm(norm_kind kind, const_matrix_view x, const float* weight, const float* bias,
                 float epsilon, matrix_view y) {
  if (x.size() == 0) return;
  launch(kind == norm_kind::layer ? norm_forward_rows<true> : norm_forward_rows<false>,
         static_cast<unsigned>(x.rows), norm_threads(x.columns), 0, context::current().stream(),
         x.data, static_cast<unsigned>(x.columns), weight, bias, epsilon, y.data);
}

/// dx += the gradient; dweight and dbias (either may be null) += theirs.
inline void norm_backward(norm_kind kind, const_matrix_view x, const float* weight, float epsilon,
                          const_matrix_view dy, matrix_view dx, float* dweight, float* dbias) {
  if (x.size() == 0) return;
  const temporary<norm_statistics> statistics(x.rows);
  launch(kind == norm_kind::layer ? norm_backward_rows<true> : norm_backward_rows<false>,
         static_cast<unsigned>(x.rows), norm_threads(x.columns), 0, context::current().stream(),
         x.data, static_cast<unsigned>(x.columns), weight, epsilon, dy.data, dx.data,
         statistics.data());
  if (dweight != nullptr) {
    add_column_sums_of(x.rows, x.columns,
                       norm_weight_term{x.data, dy.data, statistics.data(), x.columns}, dweight);
  }
  add_column_sums(dy, dbias);
}

}  // namespace prefopt::gpu
