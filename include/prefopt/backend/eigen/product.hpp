#pragma once

#include <algorithm>
#include <cstddef>

#include <omp.h>

#include <prefopt/backend/eigen/array.hpp>
#include <prefopt/backend/eigen/product_tile.hpp>
#include <prefopt/backend/eigen/threads.hpp>
#include <prefopt/backend/matrix_view.hpp>

namespace prefopt::detail {

// The matrix products of the backward pass. Both operands are copied, a block at a time, to the
// order in which a tile reads them; every element of the result is one chain of additions, so it
// does not depend on the number of threads.

/// Columns [column, column + tile_columns) of rows [first, first + depth) of b to panel[k][j]; what
/// lies beyond b's last column is 0.
inline void pack_columns(const_matrix_view b, std::size_t first, std::size_t depth,
                         std::size_t column, float* panel) {
  const std::size_t columns = std::min(tile_columns, b.columns - column);
  for (std::size_t k = 0; k < depth; ++k) {
    const float* from = b.row(first + k) + column;
    float* to = panel + k * tile_columns;
    std::copy_n(from, columns, to);
    std::fill(to + columns, to + tile_columns, 0.0F);
  }
}

/// Columns [column, column + rows) of rows [first, first + depth) of a, the rows of its transpose,
/// to packed[k * tile_rows + i].
inline void pack_transposed(const_matrix_view a, std::size_t first, std::size_t depth,
                            std::size_t column, std::size_t rows, float* packed) {
  for (std::size_t k = 0; k < depth; ++k) {
    std::copy_n(a.row(first + k) + column, rows, packed + k * tile_rows);
  }
}

/// Memory that a thread keeps from product to product: taking it anew each time costs more than
/// filling it. The first for what a thread reads alone, the second for what all read.
struct product_scratch {
  host_array own;
  host_array shared;

  static product_scratch& of_this_thread() {
    thread_local product_scratch scratch;
    return scratch;
  }
};

/// In how many parts each of `blocks` blocks of work is cut so that all threads have some.
inline std::size_t parts_for_threads(std::size_t blocks) {
  const auto threads = static_cast<std::size_t>(omp_get_max_threads());
  return threads == 1 ? 1 : (4 * threads + blocks - 1) / blocks;
}

/// c (+)= a b: a (R, K), b (K, N), c (R, N).
inline void product(const_matrix_view a, const_matrix_view b, matrix_view c, bool add) {
  if (c.size() == 0) return;
  const std::size_t panels = (c.columns + tile_columns - 1) / tile_columns;
  const std::size_t tiles = (c.rows + tile_rows - 1) / tile_rows;
  const std::size_t parts = std::min(tiles, parts_for_threads(panels));
#pragma omp parallel if (worth_threads(c.size() * b.rows / 32))
  {
    float* panel = product_scratch::of_this_thread().own.as(tile_depth, tile_columns).data;
#pragma omp for collapse(2) schedule(dynamic)
    for (std::size_t p = 0; p < panels; ++p) {
      for (std::size_t part = 0; part < parts; ++part) {
        const std::size_t column = p * tile_columns;
        const std::size_t columns = std::min(tile_columns, c.columns - column);
        const std::size_t first_row = tiles * part / parts * tile_rows;
        const std::size_t last_row = std::min(c.rows, tiles * (part + 1) / parts * tile_rows);
        for (std::size_t k = 0; k < b.rows; k += tile_depth) {
          const std::size_t depth = std::min(tile_depth, b.rows - k);
          pack_columns(b, k, depth, column, panel);
          for (std::size_t r = first_row; r < last_row; r += tile_rows) {
            product_tile_of<left_order::rows>(std::min(tile_rows, last_row - r), columns,
                                              a.row(r) + k, a.columns, panel, depth,
                                              c.row(r) + column, c.columns, k == 0 && !add);
          }
        }
      }
    }
  }
}

/// c += a^T b: a (K, R), b (K, N), c (R, N).
inline void add_transposed_product(const_matrix_view a, const_matrix_view b, matrix_view c) {
  if (c.size() == 0) return;
  const std::size_t panels = (c.columns + tile_columns - 1) / tile_columns;
  const std::size_t tiles = (c.rows + tile_rows - 1) / tile_rows;
  const std::size_t tiles_together = std::clamp<std::size_t>(tiles / parts_for_threads(1), 1, 8);
  const std::size_t blocks = (tiles + tiles_together - 1) / tiles_together;
  const matrix_view right =
      product_scratch::of_this_thread().shared.as(panels, b.rows * tile_columns);
#pragma omp parallel if (worth_threads(c.size() * b.rows / 32))
  {
    const matrix_view left =
        product_scratch::of_this_thread().own.as(tiles_together, tile_depth * tile_rows);
#pragma omp for schedule(static)
    for (std::size_t p = 0; p < panels; ++p) {
      pack_columns(b, 0, b.rows, p * tile_columns, right.row(p));
    }
#pragma omp for schedule(dynamic)
    for (std::size_t block = 0; block < blocks; ++block) {
      const std::size_t first = block * tiles_together;
      const std::size_t last = std::min(tiles, first + tiles_together);
      const auto rows_of = [&](std::size_t tile) {
        return std::min(tile_rows, c.rows - tile * tile_rows);
      };
      for (std::size_t k = 0; k < b.rows; k += tile_depth) {
        const std::size_t depth = std::min(tile_depth, b.rows - k);
        for (std::size_t tile = first; tile < last; ++tile) {
          pack_transposed(a, k, depth, tile * tile_rows, rows_of(tile), left.row(tile - first));
        }
        for (std::size_t p = 0; p < panels; ++p) {
          const std::size_t column = p * tile_columns;
          for (std::size_t tile = first; tile < last; ++tile) {
            product_tile_of<left_order::packed>(
                rows_of(tile), std::min(tile_columns, c.columns - column), left.row(tile - first),
                0, right.row(p) + k * tile_columns, depth, c.row(tile * tile_rows) + column,
                c.columns, false);
          }
        }
      }
    }
  }
}

}  // namespace prefopt::detail
