#pragma once

#include <cstddef>
#include <span>

#include <prefopt/backend/attention_shape.hpp>
#include <prefopt/backend/cuda/context.cuh>
#include <prefopt/backend/cuda/device.cuh>
#include <prefopt/backend/cuda/upload.cuh>
#include <prefopt/backend/matrix_view.hpp>
#include <prefopt/backend/rotation.hpp>

namespace prefopt::gpu {

inline constexpr unsigned rotate_threads = 128;

/// Every thread turns one pair of coordinates in all heads of a row: pair i is (i * step, i * step
/// + distance) of a head.
template <int = 0>
__global__ void __launch_bounds__(rotate_threads)
    rotate_pairs(float* qkv, std::size_t rows, const std::size_t* positions,
                 const float* frequencies, unsigned pairs, unsigned step, unsigned distance,
                 unsigned heads, unsigned head_width, std::size_t columns, float direction) {
  const std::size_t n = std::size_t{blockIdx.x} * rotate_threads + threadIdx.x;
  if (n >= rows * pairs) return;
  const std::size_t row = n / pairs;
  const auto pair = static_cast<unsigned>(n % pairs);
  // Less whole turns, in double, it is of a size that the quick functions are exact for.
  const float angle = static_cast<float>(positions[row]) * frequencies[pair];
  constexpr double turn = 6.283185307179586;
  const auto rest = static_cast<float>(angle - turn * rint(angle / turn));
  const float cosine = __cosf(rest);
  const float sine = direction * __sinf(rest);
  float* at = qkv + row * columns + pair * step;
  for (unsigned h = 0; h < heads; ++h, at += head_width) {
    const float a = at[0];
    const float b = at[distance];
    at[0] = a * cosine - b * sine;
    at[distance] = b * cosine + a * sine;
  }
}

/// Turns every query and key head of qkv (rows, (heads + 2 kv_heads) * head_width) by its row's
/// position. `direction` -1 turns back, which is the gradient's rule.
inline void rotate(matrix_view qkv, std::span<const std::size_t> positions,
                   const attention_shape& shape, const rotation& by, float direction) {
  const std::size_t turned = qkv.rows * by.pairs();
  if (turned == 0) return;
  const uploaded<std::size_t> at(positions);
  const uploaded<float> frequencies(by.frequencies);
  const auto pairs = static_cast<unsigned>(by.pairs());
  const bool neighbours = by.kind == position_kind::rotary_interleaved;
  launch(rotate_pairs<>, static_cast<unsigned>((turned + rotate_threads - 1) / rotate_threads),
         rotate_threads, 0, context::current().stream(), qkv.data, qkv.rows, at.data(),
         frequencies.data(), pairs, neighbours ? 2U : 1U, neighbours ? 1U : pairs,
         static_cast<unsigned>(shape.heads + shape.kv_heads),
         static_cast<unsigned>(shape.head_width), qkv.columns, direction);
}

}  // namespace prefopt::gpu
