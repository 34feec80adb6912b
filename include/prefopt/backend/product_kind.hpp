#pragma once

namespace prefopt {

/// In which numbers products of matrices are computed. Inputs and results are float32 in each of
/// them, and so are sums: bfloat16 and tf32 (CUDA's alone) round the factors, to 8 and to 11 bits.
enum class product_kind { float32, tf32, bfloat16 };

/// As options spell it.
constexpr const char* to_string(product_kind kind) {
  switch (kind) {
    case product_kind::tf32:
      return "tf32";
    case product_kind::bfloat16:
      return "bfloat16";
    case product_kind::float32:
      break;
  }
  return "float32";
}

}  // namespace prefopt
