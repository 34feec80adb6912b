#pragma once

#include <string>
#include <string_view>

#include <prefopt/core/error.hpp>

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

/// Its inverse; throws `usage_error`.
inline product_kind product_kind_named(std::string_view name) {
  for (const auto kind : {product_kind::float32, product_kind::tf32, product_kind::bfloat16}) {
    if (name == to_string(kind)) return kind;
  }
  throw usage_error("products in " + std::string(name) + ": expected float32, tf32 or bfloat16");
}

}  // namespace prefopt
