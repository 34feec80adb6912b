#pragma once

#include <prefopt/backend/product_kind.hpp>

namespace prefopt::test {

/// While one lives, the backend's products are of that kind.
template <class Backend>
class products_of {
 public:
  explicit products_of(product_kind kind) { Backend::use_products(kind); }
  products_of(const products_of&) = delete;
  products_of& operator=(const products_of&) = delete;
  ~products_of() { Backend::use_products(product_kind::float32); }
};

}  // namespace prefopt::test
