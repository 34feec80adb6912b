#pragma once

#include <algorithm>
#include <cstddef>

#include <prefopt/backend/eigen/product_tile.hpp>
#include <prefopt/backend/matrix_view.hpp>
#include <prefopt/backend/product_kind.hpp>

namespace prefopt::detail {

/// Panels whose tiles are computed together: a tile's rows are read from the nearest cache for all
/// but the first of them, and the panels' elements from the next for all but the first rows.
inline constexpr std::size_t panels_together = 4;

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

/// The part of y (R, N) (+)= x w with x (R, K) in elements. `panels(k, depth)` gives elements
/// [k, k + depth) of the block's panels of w.
template <product_kind Kind, class Panels>
void product_of_block(const product_block& block, const_matrix_view x, Panels panels, matrix_view y,
                      bool add) {
  const std::size_t step = depth_step(x.columns);
  for (std::size_t k = 0; k < x.columns; k += step) {
    const std::size_t depth = std::min(step, x.columns - k);
    const panel_elements elements = panels(k, depth);
    for (std::size_t r = block.first_row; r < block.last_row; r += tile_rows) {
      for (std::size_t p = block.first_panel; p < block.last_panel; ++p) {
        const std::size_t column = p * tile_columns;
        product_tile_of<Kind, left_order::rows>(
            std::min(tile_rows, block.last_row - r), std::min(tile_columns, y.columns - column),
            x.row(r) + k, x.columns, elements.first + (p - block.first_panel) * elements.stride,
            depth, y.row(r) + column, y.columns, k == 0 && !add);
      }
    }
  }
}

}  // namespace prefopt::detail
