#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <utility>

#include <prefopt/backend/eigen/array.hpp>
#include <prefopt/backend/eigen/threads.hpp>
#include <prefopt/backend/matrix_view.hpp>

namespace prefopt {

namespace detail {

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

typedef float float_vector __attribute__((vector_size(vector_width * sizeof(float))));

/// y[i][0 .. tile_columns) (+)= sum_k x[i][k] panel[k][0 .. tile_columns) for `Rows` rows. Every
/// element is the same chain of additions, k ascending, whatever `Rows` is.
template <std::size_t Rows>
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
      const float value = x[i * x_stride + k];
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

template <std::size_t... I>
constexpr auto product_tiles(std::index_sequence<I...>) {
  return std::array<product_tile_function, sizeof...(I)>{product_tile<I + 1>...};
}

inline constexpr auto product_tile_table =
    product_tiles(std::make_index_sequence<tile_rows>{});  // [rows - 1]

}  // namespace detail

/// A weight matrix, (outputs, inputs), in the order in which a product reads it: panels of
/// `tile_columns` outputs, the inputs of a panel one after the other; the last panel is filled up
/// with zeros.
///
/// Products are ours and not Eigen's or oneDNN's because those sum in an order that depends on how
/// many rows are computed together, and a response's log-prob must not depend on what else is in
/// the batch, to the last bit.
class packed_weight {
 public:
  void pack(const_matrix_view weight) {
    outputs_ = weight.rows;
    inputs_ = weight.columns;
    const std::size_t panels = (outputs_ + detail::tile_columns - 1) / detail::tile_columns;
    panels_.resize(panels * detail::tile_columns * inputs_);
#pragma omp parallel for schedule(static) if (detail::worth_threads(weight.size()))
    for (std::size_t p = 0; p < panels; ++p) {
      float* panel = panels_.data() + p * detail::tile_columns * inputs_;
      for (std::size_t j = 0; j < detail::tile_columns; ++j) {
        const std::size_t output = p * detail::tile_columns + j;
        for (std::size_t k = 0; k < inputs_; ++k) {
          panel[k * detail::tile_columns + j] = output < outputs_ ? weight.row(output)[k] : 0.0F;
        }
      }
    }
  }

  [[nodiscard]] std::size_t outputs() const {
    return outputs_;
  }
  [[nodiscard]] std::size_t inputs() const {
    return inputs_;
  }
  [[nodiscard]] bool empty() const {
    return outputs_ == 0;
  }
  void clear() {
    *this = {};
  }

  /// y = x W^T: x (rows, inputs), y (rows, outputs). Reads rows * inputs + outputs * inputs floats
  /// and does 2 * rows * inputs * outputs operations.
  void multiply(const_matrix_view x, matrix_view y) const {
    constexpr std::size_t row_block = 8 * detail::tile_rows;
    constexpr std::size_t panel_block = 4;
    const std::size_t panels = (outputs_ + detail::tile_columns - 1) / detail::tile_columns;
    const std::size_t row_blocks = (x.rows + row_block - 1) / row_block;
    const std::size_t panel_blocks = (panels + panel_block - 1) / panel_block;
#pragma omp parallel for collapse(2) \
    schedule(dynamic) if (detail::worth_threads(x.size() * outputs_ / 32))
    for (std::size_t rb = 0; rb < row_blocks; ++rb) {
      for (std::size_t pb = 0; pb < panel_blocks; ++pb) {
        const std::size_t last_panel = std::min(panels, (pb + 1) * panel_block);
        const std::size_t last_row = std::min(x.rows, (rb + 1) * row_block);
        for (std::size_t p = pb * panel_block; p < last_panel; ++p) {
          multiply_panel(x, y, p, rb * row_block, last_row);
        }
      }
    }
  }

 private:
  void multiply_panel(const_matrix_view x, matrix_view y, std::size_t p, std::size_t first_row,
                      std::size_t last_row) const {
    constexpr std::size_t depth_block = 512;  // 64 KiB of a panel
    const float* panel = panels_.data() + p * detail::tile_columns * inputs_;
    const std::size_t column = p * detail::tile_columns;
    const std::size_t columns = std::min(detail::tile_columns, outputs_ - column);
    alignas(64) float edge[detail::tile_rows * detail::tile_columns];
    for (std::size_t k = 0; k < inputs_; k += depth_block) {
      const std::size_t depth = std::min(depth_block, inputs_ - k);
      for (std::size_t r = first_row; r < last_row; r += detail::tile_rows) {
        const std::size_t rows = std::min(detail::tile_rows, last_row - r);
        const auto tile = detail::product_tile_table[rows - 1];
        const float* left = x.row(r) + k;
        if (columns == detail::tile_columns) {
          tile(left, x.columns, panel + k * detail::tile_columns, depth, y.row(r) + column,
               y.columns, k == 0);
          continue;
        }
        for (std::size_t i = 0; i < rows; ++i) {
          std::copy_n(y.row(r + i) + column, columns, edge + i * detail::tile_columns);
        }
        tile(left, x.columns, panel + k * detail::tile_columns, depth, edge, detail::tile_columns,
             k == 0);
        for (std::size_t i = 0; i < rows; ++i) {
          std::copy_n(edge + i * detail::tile_columns, columns, y.row(r + i) + column);
        }
      }
    }
  }

  host_array panels_;
  std::size_t outputs_ = 0;
  std::size_t inputs_ = 0;
};

}  // namespace prefopt
