#pragma once

#include <array>
#include <cstddef>
#include <cstring>
#include <utility>

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
inline constexpr std::size_t tile_depth = 512;  // of a panel at a time: 64 KiB with AVX-512

typedef float float_vector __attribute__((vector_size(vector_width * sizeof(float))));

/// How the left operand of a tile lies in memory: element (i, k) at [i * stride + k], or at
/// [k * tile_rows + i], as `pack_transposed` has it.
enum class left_order { rows, packed };

/// y[i][0 .. tile_columns) (+)= sum_k x(i, k) panel[k][0 .. tile_columns) for `Rows` rows. Every
/// element is the same chain of additions, k ascending, whatever `Rows` is.
template <left_order Order, std::size_t Rows>
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
    std::memcpy(&left, panel + k * tile_columns, sizeof left);
    std::memcpy(&right, panel + k * tile_columns + vector_width, sizeof right);
#pragma GCC unroll 12
    for (std::size_t i = 0; i < Rows; ++i) {
      const float value = Order == left_order::rows ? x[i * x_stride + k] : x[k * tile_rows + i];
      sum[i][0] += value * left;
      sum[i][1] += value * right;
    }
  }
  for (std::size_t i = 0; i < Rows; ++i) {
    std::memcpy(y + i * y_stride, &sum[i][0], sizeof(float_vector));
    std::memcpy(y + i * y_stride + vector_width, &sum[i][1], sizeof(float_vector));
  }
}

using product_tile_function = void (*)(const float*, std::size_t, const float*, std::size_t, float*,
                                       std::size_t, bool);

template <left_order Order, std::size_t... I>
constexpr auto product_tiles(std::index_sequence<I...>) {
  return std::array<product_tile_function, sizeof...(I)>{product_tile<Order, I + 1>...};
}

template <left_order Order>
inline constexpr auto product_tile_table =
    product_tiles<Order>(std::make_index_sequence<tile_rows>{});  // [rows - 1]

/// A tile that may reach beyond y's last column: `columns` of it are there.
template <left_order Order>
void product_tile_of(std::size_t rows, std::size_t columns, const float* x, std::size_t x_stride,
                     const float* panel, std::size_t depth, float* y, std::size_t y_stride,
                     bool first) {
  const product_tile_function tile = product_tile_table<Order>[rows - 1];
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
