#pragma once

#include <cstddef>
#include <optional>

#include <prefopt/backend/cuda/attention_form.cuh>
#include <prefopt/backend/cuda/cuda_backend.cuh>

#include "backend/products_of.hpp"

namespace prefopt::test {

using products_of_cuda = products_of<cuda_backend>;

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
