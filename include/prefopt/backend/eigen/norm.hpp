#pragma once

#include <cmath>
#include <cstddef>
#include <vector>

#include <prefopt/backend/eigen/lanes.hpp>
#include <prefopt/backend/eigen/threads.hpp>
#include <prefopt/backend/matrix_view.hpp>

namespace prefopt::detail {

// y = (x - mean) / sqrt(var + eps) * weight + bias      layer norm (Ba et al. 2016)
// y = x / sqrt(mean(x^2) + eps) * weight                RMS norm (Zhang and Sennrich 2019)
// both row by row over (rows, width).

struct norm_statistics {
  float mean;
  float scale;  // 1 / sqrt(var + eps)
};

/// `centred` is layer norm, otherwise RMS norm with mean 0.
inline norm_statistics statistics_of(const float* x, std::size_t width, float epsilon,
                                     bool centred) {
  const float n = static_cast<float>(width);
  const float mean = centred ? lane_sum(width, [&](std::size_t i) { return x[i]; }) / n : 0.0F;
  const float variance = lane_sum(width,
                                  [&](std::size_t i) {
                                    const float d = x[i] - mean;
                                    return d * d;
                                  }) /
                         n;
  return {mean, 1.0F / std::sqrt(variance + epsilon)};
}

/// `bias` may be null.
inline void norm_forward(const_matrix_view x, const float* weight, const float* bias, float epsilon,
                         bool centred, matrix_view y) {
#pragma omp parallel for schedule(static) if (worth_threads(x.size()))
  for (std::size_t r = 0; r < x.rows; ++r) {
    const float* in = x.row(r);
    float* out = y.row(r);
    const norm_statistics s = statistics_of(in, x.columns, epsilon, centred);
    for (std::size_t i = 0; i < x.columns; ++i) out[i] = (in[i] - s.mean) * s.scale * weight[i];
    if (bias != nullptr) {
      for (std::size_t i = 0; i < x.columns; ++i) out[i] += bias[i];
    }
  }
}

/// dx += the gradient; weight_gradient and bias_gradient (either may be null) += theirs.
inline void norm_backward(const_matrix_view x, const float* weight, float epsilon, bool centred,
                          const_matrix_view dy, matrix_view dx, float* weight_gradient,
                          float* bias_gradient) {
  const std::size_t width = x.columns;
  thread_local std::vector<norm_statistics> kept;  // so that a step takes no memory
  kept.resize(x.rows);
  norm_statistics* const statistics = kept.data();  // this thread's, for all
#pragma omp parallel for schedule(static) if (worth_threads(x.size()))
  for (std::size_t r = 0; r < x.rows; ++r) {
    const float* in = x.row(r);
    const float* g = dy.row(r);
    float* out = dx.row(r);
    const norm_statistics s = statistics_of(in, width, epsilon, centred);
    statistics[r] = s;
    const float n = static_cast<float>(width);
    // With z = (x - mean) scale and u = g weight: dx = scale (u - mean(u) - z mean(u z)), the
    // middle term for layer norm only.
    const float mean_uz =
        lane_sum(width,
                 [&](std::size_t i) { return g[i] * weight[i] * (in[i] - s.mean) * s.scale; }) /
        n;
    const float mean_u =
        centred ? lane_sum(width, [&](std::size_t i) { return g[i] * weight[i]; }) / n : 0.0F;
    for (std::size_t i = 0; i < width; ++i) {
      out[i] += s.scale * (g[i] * weight[i] - mean_u - (in[i] - s.mean) * s.scale * mean_uz);
    }
  }
  if (weight_gradient == nullptr && bias_gradient == nullptr) return;
  // Columns are shared out, so that the order of the rows' sum does not depend on the threads.
  constexpr std::size_t block = 64;
#pragma omp parallel for schedule(static) if (worth_threads(x.size()))
  for (std::size_t first = 0; first < width; first += block) {
    const std::size_t last = first + block < width ? first + block : width;
    for (std::size_t r = 0; r < x.rows; ++r) {
      const float* in = x.row(r);
      const float* g = dy.row(r);
      const norm_statistics s = statistics[r];
      for (std::size_t i = first; i < last && weight_gradient != nullptr; ++i) {
        weight_gradient[i] += g[i] * (in[i] - s.mean) * s.scale;
      }
      if (bias_gradient != nullptr) {
        for (std::size_t i = first; i < last; ++i) bias_gradient[i] += g[i];
      }
    }
  }
}

}  // namespace prefopt::detail
