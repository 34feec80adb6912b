#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

#include <prefopt/backend/attention_shape.hpp>
#include <prefopt/backend/eigen/lanes.hpp>
#include <prefopt/backend/eigen/threads.hpp>
#include <prefopt/backend/matrix_view.hpp>
#include <prefopt/core/math.hpp>

namespace prefopt::detail {

/// Attention of one new token a row over its cached keys and values. qkv (R, (heads + 2 kv_heads) *
/// head_width) belongs to the new tokens; their keys and values must be in the cache already.
/// context (R, heads * head_width). A row's result depends on its own cache alone.
inline void attend_cached(std::span<const decode_context> rows, const attention_shape& shape,
                          const_matrix_view qkv, matrix_view context) {
  const std::size_t width = shape.head_width;
  const std::size_t stride = 2 * shape.kv_heads * width;
  std::size_t positions = 0;
  for (const decode_context& row : rows) positions += row.prompt_length + row.own_length;
#pragma omp parallel if (worth_threads(positions * shape.heads * width))
  {
    thread_local std::vector<float> weights;  // each thread's own, kept
#pragma omp for collapse(2) schedule(static)
    for (std::size_t r = 0; r < rows.size(); ++r) {
      for (std::size_t head = 0; head < shape.heads; ++head) {
        const decode_context& row = rows[r];
        const std::size_t length = row.prompt_length + row.own_length;
        const std::size_t first = shape.first_visible(length - 1);
        const std::size_t count = length - first;
        const std::size_t key = head / shape.group() * width;
        const std::size_t value = key + shape.kv_heads * width;
        const float* query = qkv.row(r) + shape.query_column(head);
        const auto at = [&](std::size_t seen) {
          const std::size_t i = first + seen;
          return i < row.prompt_length ? row.prompt + i * stride
                                       : row.own + (i - row.prompt_length) * stride;
        };
        weights.resize(count);
        for (std::size_t i = 0; i < count; ++i) {
          const float* k = at(i) + key;
          weights[i] = lane_sum(width, [&](std::size_t j) { return query[j] * k[j]; });
        }
        const float top = lane_max(count, [&](std::size_t i) { return weights[i]; });
        for (float& w : weights) w = math::exp((w - top) * shape.scale());
        const float inverse = 1.0F / lane_sum(count, [&](std::size_t i) { return weights[i]; });
        float* out = context.row(r) + head * width;
        std::fill_n(out, width, 0.0F);
        for (std::size_t i = 0; i < count; ++i) {
          const float* v = at(i) + value;
          const float w = weights[i] * inverse;
          for (std::size_t j = 0; j < width; ++j) out[j] += w * v[j];
        }
      }
    }
  }
}

}  // namespace prefopt::detail
