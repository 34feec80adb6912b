#pragma once

#include <cstddef>
#include <span>

#include <prefopt/backend/eigen/array.hpp>
#include <prefopt/backend/eigen/packed_weight.hpp>
#include <prefopt/backend/matrix_view.hpp>
#include <prefopt/backend/packed_batch.hpp>

namespace prefopt::detail {

/// Rows whose logits are in memory at one time.
inline constexpr std::size_t head_chunk = 288;

/// Token log-probs from x (U, width): logits are x W^T + bias, log_probs[n] = logit of
/// predictions[n].token - log_sum_exp of its row, for all n; log_sums (U) are kept for the backward
/// pass. Predictions of a row stand anywhere; `by_row` gives them ordered by row.
void head_log_probs(const_matrix_view x, const packed_weight& weight, const float* bias,
                    std::span<const packed_prediction> predictions,
                    std::span<const std::size_t> by_row, host_array& logits,
                    std::span<float> log_sums, std::span<float> log_probs);

/// Adds sum_n weights[n] * grad log_probs[n] to dx (U, width; written) weight_gradient
/// (vocabulary, width; added) and bias_gradient (vocabulary; added, may be null). With w the sum of
/// a row's weights, the gradient of its logits is sum_n weights[n] [v = token n] - w
/// softmax(logits)[v]. Logits are computed again.
void head_backward(const_matrix_view x, const packed_weight& packed, const float* bias,
                   const_matrix_view weight, std::span<const packed_prediction> predictions,
                   std::span<const std::size_t> by_row, std::span<const float> log_sums,
                   std::span<const float> weights, host_array& logits, matrix_view dx,
                   matrix_view weight_gradient, float* bias_gradient);

}  // namespace prefopt::detail

#if !defined(PREFOPT_COMPILED)
#include <prefopt/backend/eigen/head.ipp>
#endif
