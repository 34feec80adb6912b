#pragma once

#include <prefopt/backend/product_kind.hpp>

namespace prefopt::gpu {

/// What products do from now on, in this process.
struct product_settings {
  product_kind kind = product_kind::float32;
  /// A row's result does not depend on how many rows there are, as `compute_backend` requires:
  /// cuBLASLt's algorithm is chosen for a fixed number of them and does not split sums. Otherwise
  /// the algorithm is the best for the number of rows, up to a factor of 2.
  bool rows_alone = true;
};

inline product_settings products;

}  // namespace prefopt::gpu
