#pragma once

#include <cstddef>
#include <optional>

#include <prefopt/backend/cuda/attention_form.cuh>
#include <prefopt/backend/cuda/cuda_backend.cuh>
#include <prefopt/backend/cuda/product_kind.cuh>

namespace prefopt::test {

/// While one lives, products are of that kind.
class products_of {
 public:
  explicit products_of(product_kind kind) { cuda_backend::use_products(kind); }
  products_of(const products_of&) = delete;
  products_of& operator=(const products_of&) = delete;
  ~products_of() { cuda_backend::use_products(product_kind::float32); }
};

/// While one lives, attention has these settings.
class attention_by {
 public:
  explicit attention_by(const gpu::attention_settings& settings) { gpu::attention = settings; }
  explicit attention_by(gpu::attention_form form)
      : attention_by(gpu::attention_settings{.form = form}) {}
  attention_by(const attention_by&) = delete;
  attention_by& operator=(const attention_by&) = delete;
  ~attention_by() { gpu::attention = {}; }
};

}  // namespace prefopt::test
