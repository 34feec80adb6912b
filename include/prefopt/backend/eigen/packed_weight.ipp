#pragma once

#include <prefopt/backend/eigen/packed_weight.hpp>

#include <algorithm>

#include <prefopt/backend/eigen/product_block.hpp>
#include <prefopt/backend/eigen/product_operands.hpp>
#include <prefopt/backend/eigen/product_tile.hpp>
#include <prefopt/backend/eigen/threads.hpp>
#include <prefopt/core/config.hpp>

namespace prefopt {

template <product_kind Kind>
void packed_weight::pack_panels(const_matrix_view weight) {
  const std::size_t panels = (outputs_ + detail::tile_columns - 1) / detail::tile_columns;
  const std::size_t depth = detail::elements<Kind>(inputs_);
  panels_.resize(panels * detail::tile_columns * depth);
#pragma omp parallel for schedule(static) if (detail::worth_threads(weight.size()))
  for (std::size_t p = 0; p < panels; ++p) {
    float* panel = panels_.data() + p * detail::tile_columns * depth;
    // A part at a time, which stays in the nearest cache while it is written column by column.
    for (std::size_t first = 0; first < depth; first += pack_depth) {
      const std::size_t last = std::min(depth, first + pack_depth);
      for (std::size_t j = 0; j < detail::tile_columns; ++j) {
        const std::size_t output = p * detail::tile_columns + j;
        for (std::size_t k = first; k < last; ++k) {
          panel[k * detail::tile_columns + j] =
              output < outputs_ ? detail::row_element<Kind>(weight.row(output), inputs_, k) : 0.0F;
        }
      }
    }
  }
}

template <product_kind Kind>
void packed_weight::multiply_panels(const_matrix_view numbers, matrix_view y) const {
  const const_matrix_view x = detail::rows_of_elements<Kind>(numbers);
  const std::size_t panels = (outputs_ + detail::tile_columns - 1) / detail::tile_columns;
  const std::size_t row_blocks = (x.rows + detail::rows_together - 1) / detail::rows_together;
  const std::size_t panel_blocks = (panels + detail::panels_together - 1) / detail::panels_together;
#pragma omp parallel for collapse(2) \
    schedule(dynamic) if (detail::worth_threads(numbers.size() * outputs_ / 32))
  for (std::size_t rb = 0; rb < row_blocks; ++rb) {
    for (std::size_t pb = 0; pb < panel_blocks; ++pb) {
      const std::size_t first = pb * detail::panels_together;
      const detail::product_block block{
          .first_row = rb * detail::rows_together,
          .last_row = std::min(x.rows, (rb + 1) * detail::rows_together),
          .first_panel = first,
          .last_panel = std::min(panels, first + detail::panels_together)};
      const std::size_t stride = x.columns * detail::tile_columns;
      const auto panels_from = [&](std::size_t k, std::size_t) {
        return detail::panel_elements{panels_.data() + first * stride + k * detail::tile_columns,
                                      stride};
      };
      detail::product_of_block<Kind>(block, x, panels_from, y, false);
    }
  }
}

PREFOPT_INLINE void packed_weight::pack(const_matrix_view weight) {
  outputs_ = weight.rows;
  inputs_ = weight.columns;
  kind_ = detail::products_in;
  detail::with_kind(kind_, [&]<product_kind Kind>() { pack_panels<Kind>(weight); });
}

PREFOPT_INLINE void packed_weight::multiply(const_matrix_view x, matrix_view y) const {
  detail::with_kind(kind_, [&]<product_kind Kind>() { multiply_panels<Kind>(x, y); });
}

}  // namespace prefopt
