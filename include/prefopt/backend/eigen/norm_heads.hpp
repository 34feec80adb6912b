#pragma once

#include <algorithm>
#include <cstddef>

#include <prefopt/backend/attention_shape.hpp>
#include <prefopt/backend/eigen/lanes.hpp>
#include <prefopt/backend/eigen/norm.hpp>
#include <prefopt/backend/eigen/threads.hpp>
#include <prefopt/backend/matrix_view.hpp>

namespace prefopt::detail {

// RMS norm of every query and key head by itself, as Qwen3 has it: with z = x / sqrt(mean(x^2) +
// eps) of a head, y = z * weight, one weight for all query heads and one for all key heads.

/// x, y (rows, (heads + 2 kv_heads) * head_width); values are copied.
inline void norm_heads(const_matrix_view x, const attention_shape& shape, const float* query_weight,
                       const float* key_weight, float epsilon, matrix_view y) {
  const std::size_t width = shape.head_width;
#pragma omp parallel for schedule(static) if (worth_threads(x.size()))
  for (std::size_t r = 0; r < x.rows; ++r) {
    for (std::size_t h = 0; h < shape.heads + shape.kv_heads; ++h) {
      const float* in = x.row(r) + h * width;
      float* out = y.row(r) + h * width;
      const float* weight = h < shape.heads ? query_weight : key_weight;
      const float scale = statistics_of(in, width, epsilon, false).scale;
      for (std::size_t i = 0; i < width; ++i) out[i] = in[i] * scale * weight[i];
    }
    std::copy(x.row(r) + shape.value_column(0), x.row(r) + x.columns,
              y.row(r) + shape.value_column(0));
  }
}

/// Turns dy into dx in place; the weights' gradients, which may be null, are added to.
inline void norm_heads_backward(const_matrix_view x, const attention_shape& shape,
                                const float* query_weight, const float* key_weight, float epsilon,
                                matrix_view dy, float* query_weight_gradient,
                                float* key_weight_gradient) {
  const std::size_t width = shape.head_width;
  // The weights' sum over rows first, on one thread and so in a fixed order: it needs dy.
  for (std::size_t r = 0; r < x.rows; ++r) {
    for (std::size_t h = 0; h < shape.heads + shape.kv_heads; ++h) {
      const float* in = x.row(r) + h * width;
      const float* g = dy.row(r) + h * width;
      float* sum = h < shape.heads ? query_weight_gradient : key_weight_gradient;
      if (sum == nullptr) continue;
      const float scale = statistics_of(in, width, epsilon, false).scale;
      for (std::size_t i = 0; i < width; ++i) sum[i] += g[i] * in[i] * scale;
    }
  }
#pragma omp parallel for schedule(static) if (worth_threads(x.size()))
  for (std::size_t r = 0; r < x.rows; ++r) {
    for (std::size_t h = 0; h < shape.heads + shape.kv_heads; ++h) {
      const float* in = x.row(r) + h * width;
      float* g = dy.row(r) + h * width;
      const float* weight = h < shape.heads ? query_weight : key_weight;
      const float scale = statistics_of(in, width, epsilon, false).scale;
      // With u = dy weight: dx = scale (u - z mean(u z)), as in norm_backward.
      const float mean_uz =
          lane_sum(width, [&](std::size_t i) { return g[i] * weight[i] * in[i] * scale; }) /
          static_cast<float>(width);
      for (std::size_t i = 0; i < width; ++i) {
        g[i] = scale * (g[i] * weight[i] - in[i] * scale * mean_uz);
      }
    }
  }
}

}  // namespace prefopt::detail
