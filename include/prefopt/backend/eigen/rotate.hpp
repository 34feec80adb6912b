#pragma once

#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

#include <prefopt/backend/attention_shape.hpp>
#include <prefopt/backend/matrix_view.hpp>
#include <prefopt/backend/rotation.hpp>

namespace prefopt::detail {

/// Turns the pairs (first[i Step], second[i Step]) of one head.
template <std::size_t Step>
void turn_pairs(float* first, float* second, const std::vector<float>& cosine,
                const std::vector<float>& sine) {
  for (std::size_t i = 0; i < cosine.size(); ++i) {
    const float a = first[i * Step];
    const float b = second[i * Step];
    first[i * Step] = a * cosine[i] - b * sine[i];
    second[i * Step] = b * cosine[i] + a * sine[i];
  }
}

/// Turns every query and key head of qkv (rows, (heads + 2 kv_heads) * head_width) by its row's
/// position. `direction` -1 turns back, which is the gradient's rule.
inline void rotate(matrix_view qkv, std::span<const std::size_t> positions,
                   const attention_shape& shape, const rotation& by, float direction) {
  const std::size_t pairs = by.pairs();
#pragma omp parallel
  {
    thread_local std::vector<float> cosine;  // each thread's own, kept
    thread_local std::vector<float> sine;
    cosine.resize(pairs);
    sine.resize(pairs);
#pragma omp for schedule(static)
    for (std::size_t r = 0; r < qkv.rows; ++r) {
      for (std::size_t i = 0; i < pairs; ++i) {
        const float angle = static_cast<float>(positions[r]) * by.frequencies[i];
        cosine[i] = std::cos(angle);
        sine[i] = direction * std::sin(angle);
      }
      for (std::size_t h = 0; h < shape.heads + shape.kv_heads; ++h) {
        float* head = qkv.row(r) + h * shape.head_width;
        if (by.kind == position_kind::rotary_interleaved) {
          turn_pairs<2>(head, head + 1, cosine, sine);
        } else {
          turn_pairs<1>(head, head + pairs, cosine, sine);
        }
      }
    }
  }
}

}  // namespace prefopt::detail
