#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

#ifdef __AVX512BF16__
#include <immintrin.h>
#endif

#include <prefopt/backend/product_kind.hpp>
#include <prefopt/core/bfloat16.hpp>

namespace prefopt::detail {

// The tile that all matrix products are made of. Ours and not Eigen's or oneDNN's, because those
// sum in an order that depends on how many rows are computed together, and a response's log-prob
// must not depend on what else is in the batch, to the last bit.
//
// oneDNN is out for another reason as well: while its dnnl_sgemm (2.6.3, AVX-512) runs, a signal
// that is handled corrupts memory, whatever the handler does (benchmarks/onednn_signals shows it;
// operations_benchmark compares the engines).

#if defined(__AVX512F__)
inline constexpr std::size_t vector_width = 16;
inline constexpr std::size_t tile_rows = 12;  // 24 accumulators of 32 registers
#elif defined(__AVX__)
inline constexpr std::size_t vector_width = 8;
inline constexpr std::size_t tile_rows = 6;  // 12 of 16
#else
inline constexpr std::size_t vector_width = 4;
inline constexpr std::size_t tile_rows = 6;
#endif
inline constexpr std::size_t tile_columns = 2 * vector_width;
inline constexpr std::size_t tile_depth = 768;  // elements of a panel at a time, at most
/// A panel's elements are asked for so many k before they are needed: where rows are few, weights
/// come from memory, and arrive while others are computed with.
inline constexpr std::size_t tile_lookahead = 24;

/// A depth is gone through in equal parts of at most `tile_depth` elements, of so many each.
inline std::size_t depth_step(std::size_t depth) {
  const std::size_t parts = std::max<std::size_t>(1, (depth + tile_depth - 1) / tile_depth);
  return (depth + parts - 1) / parts;
}

typedef float float_vector __attribute__((vector_size(vector_width * sizeof(float))));

// Operands are read as elements of 32 bits: a float, or two bfloat16 of neighbouring k, the first
// in the lower half; the second of a last, lonely one is 0.

/// Numbers in an element.
template <product_kind Kind>
inline constexpr std::size_t element_numbers = Kind == product_kind::bfloat16 ? 2 : 1;

/// Elements that `depth` numbers fill.
template <product_kind Kind>
constexpr std::size_t elements(std::size_t depth) {
  return (depth + element_numbers<Kind> - 1) / element_numbers<Kind>;
}

inline float bfloat16_element(float first, float second) {
  return std::bit_cast<float>(to_bfloat16(first) | std::uint32_t{to_bfloat16(second)} << 16U);
}

/// sum += the element at x times those of a panel, for each of its columns.
template <product_kind Kind>
void add_product(const float* x, float_vector panel, float_vector& sum) {
  if constexpr (Kind == product_kind::float32) {
    sum += *x * panel;
  } else {
    std::uint32_t pair = 0;
    std::memcpy(&pair, x, sizeof pair);
#ifdef __AVX512BF16__
    const __m512i left = _mm512_set1_epi32(static_cast<int>(pair));
    sum = (float_vector)_mm512_dpbf16_ps((__m512)sum, (__m512bh)left, (__m512bh)panel);
#else
    typedef std::uint32_t bits_vector __attribute__((vector_size(sizeof(float_vector))));
    const auto right = (bits_vector)panel;
    sum += std::bit_cast<float>(pair << 16U) * (float_vector)(right << 16U);
    sum += std::bit_cast<float>(pair & 0xFFFF0000U) * (float_vector)(right & 0xFFFF0000U);
#endif
  }
}

/// How the left operand of a tile lies in memory: element (i, k) at [i * stride + k], or at
/// [k * tile_rows + i], as `pack_columns` has it.
enum class left_order { rows, packed };

/// Has panel[k][0 .. tile_columns), which may be beyond its end, come to the nearest cache.
inline void ask_for_panel(const float* panel, std::size_t k) {
  constexpr std::size_t line = 64;
  constexpr std::size_t row = tile_columns * sizeof(float);
  const auto at = reinterpret_cast<std::uintptr_t>(panel) + k * row;
  for (std::size_t i = 0; i < row; i += line) {
    __builtin_prefetch(reinterpret_cast<const void*>(at + i));
  }
}

/// y[i][0 .. tile_columns) (+)= sum_k x(i, k) panel[k][0 .. tile_columns) for `Rows` rows and
/// `depth` elements. Every number of y is the same chain of additions, k ascending, whatever `Rows`
/// is.
template <product_kind Kind, left_order Order, std::size_t Rows>
void product_tile(const float* x, std::size_t x_stride, const float* panel, std::size_t depth,
                  float* y, std::size_t y_stride, bool first) {
  float_vector sum[Rows][2] = {};
  if (!first) {
    for (std::size_t i = 0; i < Rows; ++i) {
      std::memcpy(&sum[i][0], y + i * y_stride, sizeof(float_vector));
      std::memcpy(&sum[i][1], y + i * y_stride + vector_width, sizeof(float_vector));
    }
  }
  for (std::size_t k = 0; k < depth; ++k) {
    float_vector left;
    float_vector right;
    ask_for_panel(panel, k + tile_lookahead);
    std::memcpy(&left, panel + k * tile_columns, sizeof left);
    std::memcpy(&right, panel + k * tile_columns + vector_width, sizeof right);
#pragma GCC unroll 12
    for (std::size_t i = 0; i < Rows; ++i) {
      const float* at = Order == left_order::rows ? x + i * x_stride + k : x + k * tile_rows + i;
      add_product<Kind>(at, left, sum[i][0]);
      add_product<Kind>(at, right, sum[i][1]);
    }
  }
  for (std::size_t i = 0; i < Rows; ++i) {
    std::memcpy(y + i * y_stride, &sum[i][0], sizeof(float_vector));
    std::memcpy(y + i * y_stride + vector_width, &sum[i][1], sizeof(float_vector));
  }
}

using product_tile_function = void (*)(const float*, std::size_t, const float*, std::size_t, float*,
                                       std::size_t, bool);

template <product_kind Kind, left_order Order, std::size_t... I>
constexpr auto product_tiles(std::index_sequence<I...>) {
  return std::array<product_tile_function, sizeof...(I)>{product_tile<Kind, Order, I + 1>...};
}

template <product_kind Kind, left_order Order>
inline constexpr auto product_tile_table =
    product_tiles<Kind, Order>(std::make_index_sequence<tile_rows>{});  // [rows - 1]

/// A tile that may reach beyond y's last column: `columns` of it are there.
template <product_kind Kind, left_order Order>
void product_tile_of(std::size_t rows, std::size_t columns, const float* x, std::size_t x_stride,
                     const float* panel, std::size_t depth, float* y, std::size_t y_stride,
                     bool first) {
  const product_tile_function tile = product_tile_table<Kind, Order>[rows - 1];
  if (columns == tile_columns) {
    tile(x, x_stride, panel, depth, y, y_stride, first);
    return;
  }
  alignas(64) float edge[tile_rows * tile_columns] = {};
  for (std::size_t i = 0; i < rows; ++i) {
    std::memcpy(edge + i * tile_columns, y + i * y_stride, columns * sizeof(float));
  }
  tile(x, x_stride, panel, depth, edge, tile_columns, first);
  for (std::size_t i = 0; i < rows; ++i) {
    std::memcpy(y + i * y_stride, edge + i * tile_columns, columns * sizeof(float));
  }
}

}  // namespace prefopt::detail
