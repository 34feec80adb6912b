#pragma once

#include <cuda_bf16.h>

#include <prefopt/backend/cuda/column_sums.cuh>
#include <prefopt/backend/cuda/product.cuh>
#include <prefopt/backend/cuda/product_kind.cuh>
#include <prefopt/backend/cuda/temporary.cuh>
#include <prefopt/backend/cuda/weight.cuh>
#include <prefopt/backend/matrix_view.hpp>

namespace prefopt::gpu {

namespace detail {

/// A matrix as a factor of products of that kind: rounded, where need be, into memory of its own.
class rounded_factor {
 public:
  rounded_factor(product_kind kind, const_matrix_view values)
      : values_(values), rounded_(kind == product_kind::bfloat16 ? values.size() : 0) {
    if (rounded_.size() != 0) round_to_bfloat16(values, rounded_.data());
  }
  [[nodiscard]] product_factor plain() const { return {data(), values_.rows, values_.columns}; }
  [[nodiscard]] product_factor transposed() const {
    return {data(), values_.rows, values_.columns, true};
  }

 private:
  [[nodiscard]] const void* data() const {
    return rounded_.size() != 0 ? static_cast<const void*>(rounded_.data()) : values_.data;
  }
  const_matrix_view values_;
  temporary<__nv_bfloat16> rounded_;
};

}  // namespace detail

/// y (rows, outputs) = x W^T + bias, which is null or (outputs).
inline void linear(const_matrix_view x, const cuda_weight& weight, const float* bias,
                   matrix_view y) {
  if (x.rows == 0) return;
  const detail::rounded_factor input(weight.kind(), x);
  multiply(weight.kind(), input.plain(), {weight.data(), weight.outputs(), weight.inputs(), true},
           bias, false, y.data, batch_size::rows);
}

/// dx (=|+=) dy W, dW += dy^T x, db += column sums of dy. W is `values` (outputs, inputs). Where
/// dweight is empty or dbias null it is not computed.
inline void linear_backward(const_matrix_view x, const_matrix_view values, const_matrix_view dy,
                            matrix_view dx, bool accumulate, matrix_view dweight, float* dbias) {
  if (dy.rows == 0) return;
  const product_kind kind = products.kind;
  const detail::rounded_factor incoming(kind, dy);
  {
    const detail::rounded_factor weight(kind, values);
    multiply(kind, incoming.plain(), weight.plain(), nullptr, accumulate, dx.data,
             batch_size::rows);
  }
  if (dweight.data != nullptr) {
    const detail::rounded_factor input(kind, x);
    multiply(kind, incoming.transposed(), input.plain(), nullptr, true, dweight.data,
             batch_size::depth);
  }
  add_column_sums(dy, dbias);
}

}  // namespace prefopt::gpu
