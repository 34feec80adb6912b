#pragma once

#include <cstddef>

#include <cuda_bf16.h>

#include <prefopt/backend/cuda/array.cuh>
#include <prefopt/backend/cuda/elements.cuh>
#include <prefopt/backend/cuda/product_kind.cuh>
#include <prefopt/backend/matrix_view.hpp>

namespace prefopt {

namespace gpu {

struct round_elements {
  const float* from;
  __nv_bfloat16* to;
  __device__ void operator()(std::size_t i) const { to[i] = __float2bfloat16(from[i]); }
};

/// To the nearest bfloat16, ties to even.
inline void round_to_bfloat16(const_matrix_view from, __nv_bfloat16* to) {
  for_each_element(from.size(), round_elements{from.data, to});
}

}  // namespace gpu

/// A weight matrix (outputs, inputs) as products read it: a bfloat16 copy where products are in
/// bfloat16, and otherwise a view of the floats that were given, which must live as long.
class cuda_weight {
 public:
  void pack(const_matrix_view values) {
    outputs_ = values.rows;
    inputs_ = values.columns;
    kind_ = gpu::products.kind;
    values_ = nullptr;
    if (kind_ == product_kind::bfloat16) {
      rounded_.resize((values.size() + 1) / 2);  // two to a float
      gpu::round_to_bfloat16(values, reinterpret_cast<__nv_bfloat16*>(rounded_.data()));
    } else {
      rounded_ = {};
      values_ = values.data;
    }
  }

  [[nodiscard]] std::size_t outputs() const { return outputs_; }
  [[nodiscard]] std::size_t inputs() const { return inputs_; }
  [[nodiscard]] bool empty() const { return outputs_ == 0; }
  void clear() { *this = {}; }

  [[nodiscard]] product_kind kind() const { return kind_; }
  /// Floats, or bfloat16 where that is the kind.
  [[nodiscard]] const void* data() const {
    return values_ != nullptr ? static_cast<const void*>(values_) : rounded_.data();
  }

 private:
  std::size_t outputs_ = 0;
  std::size_t inputs_ = 0;
  product_kind kind_ = product_kind::float32;
  const float* values_ = nullptr;
  cuda_array rounded_;
};

}  // namespace prefopt
