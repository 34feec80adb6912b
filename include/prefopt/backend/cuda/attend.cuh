#pragma once

#include <cstddef>

#include <prefopt/backend/attention_shape.hpp>
#include <prefopt/backend/cuda/attention.cuh>
#include <prefopt/backend/cuda/attention_backward.cuh>
#include <prefopt/backend/cuda/attention_batched.cuh>
#include <prefopt/backend/cuda/attention_plan.cuh>
#include <prefopt/backend/cuda/attention_tile.cuh>
#include <prefopt/backend/cuda/context.cuh>
#include <prefopt/backend/matrix_view.hpp>
#include <prefopt/backend/packed_batch.hpp>

namespace prefopt::gpu {

/// softmax(scale q k^T) v over what a row sees, for every head of every segment, each in the form
/// that `attention_form_of` says. qkv is (T, (heads + 2 kv_heads) * head_width), context (T, heads
/// * head_width). A segment's rows depend on the segment and its prefix alone. Throws `usage_error`
/// for heads of more than 256 numbers.
inline void attend(const packed_batch& batch, const attention_shape& shape, const_matrix_view qkv,
                   matrix_view context) {
  check_head_width(shape.head_width);
  const attention_plan plan = plan_attention(batch, shape);
  if (!plan.queries.empty()) attend_tiled(plan, shape, qkv, context);
  if (!plan.batched.empty()) attend_batched(plan.batched, shape, qkv, context);
}

/// From the gradient of context, that of qkv (written, not added to). What the forward pass knew of
/// the rows is computed again, which is cheaper than to keep it for every layer.
inline void attend_backward(const packed_batch& batch, const attention_shape& shape,
                            const_matrix_view qkv, const_matrix_view context_gradient,
                            matrix_view qkv_gradient) {
  check_head_width(shape.head_width);
  const attention_plan plan = plan_attention(batch, shape);
  if (!plan.batched.empty()) {  // which add to the gradients of keys
    context::current().clear(qkv_gradient.data, qkv_gradient.size() * sizeof(float));
  }
  if (!plan.queries.empty()) {
    attend_backward_tiled(plan, shape, qkv, context_gradient, qkv_gradient);
  }
  if (!plan.batched.empty()) {
    attend_backward_batched(plan.batched, shape, qkv, context_gradient, qkv_gradient);
  }
}

}  // namespace prefopt::gpu
