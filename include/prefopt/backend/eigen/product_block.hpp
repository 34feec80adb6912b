#pragma once

#include <algorithm>
#include <cstddef>

#include <prefopt/backend/eigen/product_tile.hpp>
#include <prefopt/backend/matrix_view.hpp>
#include <prefopt/backend/product_kind.hpp>

namespace prefopt::detail {

/// Panels that are gone through together, tile by tile of rows: with AVX-512 they are 384 KiB,
/// which stay in the second cache, and the rows are read from memory once for all of them.
inline constexpr std::size_t panels_together = 4;
/// Rows for which a block's panels, coming from memory, are used before the next ones: 576 KiB with
/// AVX-512, beside the panels in the second cache.
inline constexpr std::size_t rows_together = 16 * tile_rows;

/// Part of a product's result: rows [first_row, last_row), and at most `panels_together` panels of
/// columns.
struct product_block {
  std::size_t first_row = 0;
  std::size_t last_row = 0;
  std::size_t first_panel = 0;
  std::size_t last_panel = 0;
};

/// Elements of neighbouring panels from some k on: those of panel number i at first + i * stride.
struct panel_elements {
  const float* first = nullptr;
  std::size_t stride = 0;
};

/// The part of y (R, N) (+)= x w with x (R, K) in elements. `panels_from(k, depth)` gives elements
/// [k, k + depth) of the block's panels of w.
template <product_kind Kind, class PanelsFrom>
void product_of_block(const product_block& block, const_matrix_view x, PanelsFrom panels_from,
                      matrix_view y, bool add) {
  const std::size_t step = depth_step(x.columns);
  for (std::size_t k = 0; k < x.columns; k += step) {
    const std::size_t depth = std::min(step, x.columns - k);
    const panel_elements panels = panels_from(k, depth);
    for (std::size_t r = block.first_row; r < block.last_row; r += tile_rows) {
      for (std::size_t p = block.first_panel; p < block.last_panel; ++p) {
        const std::size_t column = p * tile_columns;
        product_tile_of<Kind, left_order::rows>(
            std::min(tile_rows, block.last_row - r), std::min(tile_columns, y.columns - column),
            x.row(r) + k, x.columns, panels.first + (p - block.first_panel) * panels.stride, depth,
            y.row(r) + column, y.columns, k == 0 && !add);
      }
    }
  }
}

}  // namespace prefopt::detail
