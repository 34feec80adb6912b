#pragma once

#include <prefopt/backend/eigen/head.hpp>

#include <algorithm>
#include <cmath>
#include <vector>

#include <prefopt/backend/eigen/bias.hpp>
#include <prefopt/backend/eigen/lanes.hpp>
#include <prefopt/backend/eigen/product.hpp>
#include <prefopt/backend/eigen/threads.hpp>
#include <prefopt/core/config.hpp>
#include <prefopt/core/math.hpp>

namespace prefopt::detail {

/// log sum_v exp(logits[v]).
inline float log_sum_exp(const float* logits, std::size_t count) {
  const float top = lane_max(count, [&](std::size_t i) { return logits[i]; });
  const float sum = lane_sum(count, [&](std::size_t i) { return math::exp(logits[i] - top); });
  return top + std::log(sum);
}

PREFOPT_INLINE void head_log_probs(const_matrix_view x, const packed_weight& weight,
                                   const float* bias,
                                   std::span<const packed_prediction> predictions,
                                   std::span<const std::size_t> by_row, host_array& logits,
                                   std::span<float> log_sums, std::span<float> log_probs) {
  std::size_t next = 0;
  for (std::size_t first = 0; first < x.rows; first += head_chunk) {
    const std::size_t rows = std::min(head_chunk, x.rows - first);
    const matrix_view chunk = logits.as(rows, weight.outputs());
    weight.multiply({x.row(first), rows, x.columns}, chunk);
    add_bias(bias, chunk);
#pragma omp parallel for schedule(static) if (worth_threads(chunk.size()))
    for (std::size_t r = 0; r < rows; ++r) {
      log_sums[first + r] = log_sum_exp(chunk.row(r), chunk.columns);
    }
    for (; next < by_row.size() && predictions[by_row[next]].row < first + rows; ++next) {
      const packed_prediction& p = predictions[by_row[next]];
      log_probs[by_row[next]] =
          chunk.row(p.row - first)[static_cast<std::size_t>(p.token)] - log_sums[p.row];
    }
  }
}

PREFOPT_INLINE void head_backward(const_matrix_view x, const packed_weight& packed,
                                  const float* bias, const_matrix_view weight,
                                  std::span<const packed_prediction> predictions,
                                  std::span<const std::size_t> by_row,
                                  std::span<const float> log_sums, std::span<const float> weights,
                                  host_array& logits, matrix_view dx, matrix_view weight_gradient,
                                  float* bias_gradient) {
  thread_local std::vector<float> kept;  // so that a step takes no memory
  kept.assign(x.rows, 0.0F);
  float* const totals = kept.data();  // this thread's, for all
  for (std::size_t n = 0; n < predictions.size(); ++n) totals[predictions[n].row] += weights[n];
  std::size_t next = 0;
  for (std::size_t first = 0; first < x.rows; first += head_chunk) {
    const std::size_t rows = std::min(head_chunk, x.rows - first);
    const matrix_view chunk = logits.as(rows, packed.outputs());
    const const_matrix_view input{x.row(first), rows, x.columns};
    packed.multiply(input, chunk);
    add_bias(bias, chunk);
#pragma omp parallel for schedule(static) if (worth_threads(chunk.size()))
    for (std::size_t r = 0; r < rows; ++r) {
      float* row = chunk.row(r);
      const float total = totals[first + r];
      const float log_sum = log_sums[first + r];
      for (std::size_t v = 0; v < chunk.columns; ++v) row[v] = -total * math::exp(row[v] - log_sum);
    }
    for (; next < by_row.size() && predictions[by_row[next]].row < first + rows; ++next) {
      const packed_prediction& p = predictions[by_row[next]];
      chunk.row(p.row - first)[static_cast<std::size_t>(p.token)] += weights[by_row[next]];
    }
    product(chunk, weight, {dx.row(first), rows, dx.columns}, false);
    add_transposed_product(chunk, input, weight_gradient);
    add_column_sums(chunk, bias_gradient);
  }
}

}  // namespace prefopt::detail
