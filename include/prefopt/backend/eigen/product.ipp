#pragma once

#include <prefopt/backend/eigen/product.hpp>

#include <algorithm>
#include <cstddef>

#include <omp.h>

#include <prefopt/backend/eigen/product_block.hpp>
#include <prefopt/backend/eigen/product_operands.hpp>
#include <prefopt/backend/eigen/product_tile.hpp>
#include <prefopt/backend/eigen/threads.hpp>
#include <prefopt/backend/product_kind.hpp>
#include <prefopt/core/config.hpp>

namespace prefopt::detail {

/// In how many parts each of `blocks` blocks of work is cut so that all threads have about equally
/// much: in one where the blocks divide evenly, for each part packs its block's panels again.
inline std::size_t parts_for_threads(std::size_t blocks) {
  const auto threads = static_cast<std::size_t>(omp_get_max_threads());
  return blocks % threads == 0 ? 1 : (4 * threads + blocks - 1) / blocks;
}

/// c (+)= a b: a (R, K), b (K, N), c (R, N).
template <product_kind Kind>
void product_in(const_matrix_view a, const_matrix_view b, matrix_view c, bool add) {
  const const_matrix_view left = rows_of_elements<Kind>(a);
  const std::size_t panels = (c.columns + tile_columns - 1) / tile_columns;
  const std::size_t panel_blocks = (panels + panels_together - 1) / panels_together;
  const std::size_t tiles = (c.rows + tile_rows - 1) / tile_rows;
  const std::size_t parts = std::min(tiles, parts_for_threads(panel_blocks));
#pragma omp parallel if (worth_threads(c.size() * b.rows / 32))
  {
    const matrix_view packed =
        product_scratch::of_this_thread().own.as(panels_together, tile_depth * tile_columns);
#pragma omp for collapse(2) schedule(dynamic)
    for (std::size_t pb = 0; pb < panel_blocks; ++pb) {
      for (std::size_t part = 0; part < parts; ++part) {
        const product_block block{
            .first_row = tiles * part / parts * tile_rows,
            .last_row = std::min(c.rows, tiles * (part + 1) / parts * tile_rows),
            .first_panel = pb * panels_together,
            .last_panel = std::min(panels, (pb + 1) * panels_together)};
        const auto panels_from = [&](std::size_t k, std::size_t depth) {
          for (std::size_t p = block.first_panel; p < block.last_panel; ++p) {
            const std::size_t column = p * tile_columns;
            pack_columns<Kind>(b, k, depth, column, std::min(tile_columns, c.columns - column),
                               tile_columns, packed.row(p - block.first_panel));
          }
          return panel_elements{packed.data, packed.columns};
        };
        product_of_block<Kind>(block, left, panels_from, c, add);
      }
    }
  }
}

/// c += a^T b: a (K, R), b (K, N), c (R, N).
template <product_kind Kind>
void add_transposed_product_in(const_matrix_view a, const_matrix_view b, matrix_view c) {
  const std::size_t all = elements<Kind>(b.rows);
  const std::size_t step = depth_step(all);
  const std::size_t panels = (c.columns + tile_columns - 1) / tile_columns;
  const std::size_t tiles = (c.rows + tile_rows - 1) / tile_rows;
  const std::size_t tiles_together = std::clamp<std::size_t>(tiles / parts_for_threads(1), 1, 8);
  const std::size_t blocks = (tiles + tiles_together - 1) / tiles_together;
  const matrix_view right = product_scratch::of_this_thread().shared.as(panels, all * tile_columns);
#pragma omp parallel if (worth_threads(c.size() * b.rows / 32))
  {
    const matrix_view left =
        product_scratch::of_this_thread().own.as(tiles_together, tile_depth * tile_rows);
#pragma omp for schedule(static)
    for (std::size_t p = 0; p < panels; ++p) {
      const std::size_t column = p * tile_columns;
      pack_columns<Kind>(b, 0, all, column, std::min(tile_columns, c.columns - column),
                         tile_columns, right.row(p));
    }
#pragma omp for schedule(dynamic)
    for (std::size_t block = 0; block < blocks; ++block) {
      const std::size_t first = block * tiles_together;
      const std::size_t last = std::min(tiles, first + tiles_together);
      const auto rows_of = [&](std::size_t tile) {
        return std::min(tile_rows, c.rows - tile * tile_rows);
      };
      for (std::size_t k = 0; k < all; k += step) {
        const std::size_t depth = std::min(step, all - k);
        for (std::size_t tile = first; tile < last; ++tile) {
          pack_columns<Kind>(a, k, depth, tile * tile_rows, rows_of(tile), tile_rows,
                             left.row(tile - first));
        }
        for (std::size_t p = 0; p < panels; ++p) {
          const std::size_t column = p * tile_columns;
          for (std::size_t tile = first; tile < last; ++tile) {
            product_tile_of<Kind, left_order::packed>(
                rows_of(tile), std::min(tile_columns, c.columns - column), left.row(tile - first),
                0, right.row(p) + k * tile_columns, depth, c.row(tile * tile_rows) + column,
                c.columns, false);
          }
        }
      }
    }
  }
}

PREFOPT_INLINE void product(const_matrix_view a, const_matrix_view b, matrix_view c, bool add) {
  if (c.size() == 0) return;
  with_kind(products_in, [&]<product_kind Kind>() { product_in<Kind>(a, b, c, add); });
}

PREFOPT_INLINE void add_transposed_product(const_matrix_view a, const_matrix_view b,
                                           matrix_view c) {
  if (c.size() == 0) return;
  with_kind(products_in, [&]<product_kind Kind>() { add_transposed_product_in<Kind>(a, b, c); });
}

}  // namespace prefopt::detail
