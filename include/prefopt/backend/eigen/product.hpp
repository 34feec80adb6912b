#pragma once

#include <prefopt/backend/matrix_view.hpp>

namespace prefopt::detail {

// The matrix products of the backward pass. Both operands are copied, a block at a time, to the
// order in which a tile reads them; every element of the result is one chain of additions, so it
// does not depend on the number of threads.

/// c (+)= a b: a (R, K), b (K, N), c (R, N), in `products_in`.
void product(const_matrix_view a, const_matrix_view b, matrix_view c, bool add);

/// c += a^T b: a (K, R), b (K, N), c (R, N), in `products_in`.
void add_transposed_product(const_matrix_view a, const_matrix_view b, matrix_view c);

}  // namespace prefopt::detail

#if !defined(PREFOPT_COMPILED)
#include <prefopt/backend/eigen/product.ipp>
#endif
