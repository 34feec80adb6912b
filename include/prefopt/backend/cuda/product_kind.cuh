#pragma once

namespace prefopt {

/// In which numbers products of matrices are computed. Inputs and results are float32 in each of
/// them, and so are sums: bfloat16 and tf32 round the factors, to 8 and to 11 bits.
enum class product_kind { float32, tf32, bfloat16 };

namespace gpu {

/// What products do from now on, in this process.
struct product_settings {
  product_kind kind = product_kind::float32;
  /// A row's result does not depend on how many rows there are, as `compute_backend` requires:
  /// cuBLASLt's algorithm is chosen for a fixed number of them and does not split sums. Otherwise
  /// the algorithm is the best for the number of rows, up to a factor of 2.
  bool rows_alone = true;
};

inline product_settings products;

}  // namespace gpu
}  // namespace prefopt
