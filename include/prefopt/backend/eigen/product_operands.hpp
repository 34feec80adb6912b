#pragma once

#include <algorithm>
#include <cstddef>

#include <prefopt/backend/eigen/array.hpp>
#include <prefopt/backend/eigen/product_tile.hpp>
#include <prefopt/backend/eigen/threads.hpp>
#include <prefopt/backend/matrix_view.hpp>
#include <prefopt/backend/product_kind.hpp>

namespace prefopt::detail {

// The operands of a product, copied to the order and the numbers in which a tile reads them.

/// What products are in from now on, in this process: float32 or bfloat16.
inline product_kind products_in = product_kind::float32;

/// compute.operator()<kind>(), of the kinds that there are on the CPU.
template <class Compute>
void with_kind(product_kind kind, Compute compute) {
  if (kind == product_kind::bfloat16) {
    compute.template operator()<product_kind::bfloat16>();
  } else {
    compute.template operator()<product_kind::float32>();
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

/// Element k of a row of `count` numbers.
template <product_kind Kind>
float row_element(const float* row, std::size_t count, std::size_t k) {
  if constexpr (Kind == product_kind::float32) {
    return row[k];
  } else {
    return bfloat16_element(row[2 * k], 2 * k + 1 < count ? row[2 * k + 1] : 0.0F);
  }
}

/// x (rows, depth) as elements (rows, elements(depth)): itself in float32; otherwise a copy, in
/// this thread's shared scratch until its next product.
template <product_kind Kind>
const_matrix_view rows_of_elements(const_matrix_view x) {
  if constexpr (Kind == product_kind::float32) {
    return x;
  } else {
    const matrix_view copy =
        product_scratch::of_this_thread().shared.as(x.rows, elements<Kind>(x.columns));
#pragma omp parallel for schedule(static) if (worth_threads(x.size()))
    for (std::size_t r = 0; r < x.rows; ++r) {
      const float* from = x.row(r);
      float* to = copy.row(r);
      const std::size_t whole = x.columns / 2;
      for (std::size_t k = 0; k < whole; ++k)
        to[k] = bfloat16_element(from[2 * k], from[2 * k + 1]);
      if (whole < copy.columns) to[whole] = bfloat16_element(from[2 * whole], 0.0F);
    }
    return copy;
  }
}

/// Of elements [first, first + depth) down the columns of b, those of columns [column, column +
/// columns) to packed[k][j], k in [0, depth), whose rows have `stride` elements; what is left of
/// them is 0.
template <product_kind Kind>
void pack_columns(const_matrix_view b, std::size_t first, std::size_t depth, std::size_t column,
                  std::size_t columns, std::size_t stride, float* packed) {
  for (std::size_t k = 0; k < depth; ++k) {
    const std::size_t row = (first + k) * element_numbers<Kind>;
    const float* from = b.row(row) + column;
    float* to = packed + k * stride;
    if constexpr (Kind == product_kind::float32) {
      std::copy_n(from, columns, to);
    } else if (row + 1 < b.rows) {
      const float* next = from + b.columns;
      for (std::size_t j = 0; j < columns; ++j) to[j] = bfloat16_element(from[j], next[j]);
    } else {
      for (std::size_t j = 0; j < columns; ++j) to[j] = bfloat16_element(from[j], 0.0F);
    }
    std::fill(to + columns, to + stride, 0.0F);
  }
}

}  // namespace prefopt::detail
