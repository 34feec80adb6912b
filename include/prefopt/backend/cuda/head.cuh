#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

#include <prefopt/backend/cuda/array.cuh>
#include <prefopt/backend/cuda/context.cuh>
#include <prefopt/backend/cuda/device.cuh>
#include <prefopt/backend/cuda/linear.cuh>
#include <prefopt/backend/cuda/reduce.cuh>
#include <prefopt/backend/cuda/temporary.cuh>
#include <prefopt/backend/cuda/upload.cuh>
#include <prefopt/backend/matrix_view.hpp>
#include <prefopt/backend/packed_batch.hpp>
#include <prefopt/data/token.hpp>

namespace prefopt::gpu {

// Token log-probs and their gradient. Logits are there for a chunk of rows at a time: the product
// makes them, one kernel goes over them.

/// Rows of a chunk, whose logits take 256 MiB or, where they are many, a little more.
inline std::size_t head_chunk_rows(std::size_t vocabulary) {
  constexpr std::size_t floats = std::size_t{1} << 26U;
  constexpr std::size_t least = 128;
  return std::max(least, floats / std::max<std::size_t>(vocabulary, 1) / least * least);
}

/// Threads of a block that has a row of logits.
inline unsigned head_threads(std::size_t vocabulary) {
  const std::size_t warps = (vocabulary + 8 * warp_threads - 1) / (8 * warp_threads);
  return static_cast<unsigned>(std::clamp<std::size_t>(warps, 1, 16)) * warp_threads;
}

/// log_sums[r] = log sum_v exp(logits[r][v]), in one pass: a larger number than before shrinks what
/// the thread has summed. One block a row.
template <int = 0>
__global__ void __launch_bounds__(512)
    head_log_sums(const float* logits, std::size_t vocabulary, float* log_sums) {
  const float* const row = logits + std::size_t{blockIdx.x} * vocabulary;
  float top = -3.4e38F;  // not infinity: the difference of two infinities is NaN
  float total = 0.0F;
  for (std::size_t v = threadIdx.x; v < vocabulary; v += blockDim.x) {
    const float logit = row[v];
    const float best = fmaxf(top, logit);
    total = total * expf(top - best) + expf(logit - best);
    top = best;
  }
  const float best = block_max(top);
  total = block_sum(total * expf(top - best));
  if (threadIdx.x == 0) log_sums[blockIdx.x] = best + logf(total);
}

/// log_probs[n] = the logit of tokens[n] in its row, less the row's log_sum; row `first_row` is the
/// first whose logits are here.
template <int = 0>
__global__ void __launch_bounds__(256)
    head_gather(const float* logits, std::size_t vocabulary, const float* log_sums,
                const std::size_t* rows, const token_id* tokens, std::size_t count,
                std::size_t first_row, float* log_probs) {
  const std::size_t n = std::size_t{blockIdx.x} * blockDim.x + threadIdx.x;
  if (n >= count) return;
  const float* const row = logits + (rows[n] - first_row) * vocabulary;
  log_probs[n] = row[static_cast<std::size_t>(tokens[n])] - log_sums[rows[n]];
}

/// Logits -> their gradient, in place: sum_n weights[n] [v = token n] - total softmax(logits)[v],
/// n over the row's predictions [begins[row], begins[row + 1]). One block a row.
template <int = 0>
__global__ void __launch_bounds__(512)
    head_logit_gradient(float* logits, std::size_t vocabulary, const float* log_sums,
                        const float* totals, const std::size_t* begins, const token_id* tokens,
                        const float* weights) {
  float* const row = logits + std::size_t{blockIdx.x} * vocabulary;
  const float log_sum = log_sums[blockIdx.x];
  const float total = totals[blockIdx.x];
  for (std::size_t v = threadIdx.x; v < vocabulary; v += blockDim.x) {
    row[v] = -total * expf(row[v] - log_sum);
  }
  __syncthreads();
  if (threadIdx.x != 0) return;  // a token may occur twice
  for (std::size_t n = begins[blockIdx.x]; n < begins[blockIdx.x + 1]; ++n) {
    row[static_cast<std::size_t>(tokens[n])] += weights[n];
  }
}

/// The predictions ordered by row, as the kernels read them.
struct ordered_predictions {
  std::vector<std::size_t> rows;    // (N)
  std::vector<token_id> tokens;     // (N)
  std::vector<std::size_t> begins;  // (U + 1): where a row's predictions begin

  ordered_predictions(std::span<const packed_prediction> predictions,
                      std::span<const std::size_t> by_row, std::size_t head_rows)
      : begins(head_rows + 1, 0) {
    for (const std::size_t n : by_row) {
      rows.push_back(predictions[n].row);
      tokens.push_back(predictions[n].token);
      ++begins[predictions[n].row + 1];
    }
    for (std::size_t r = 0; r < head_rows; ++r) begins[r + 1] += begins[r];
  }
};

/// Token log-probs from x (U, width): logits are x W^T + bias, log_probs[n] = logit of
/// predictions[n].token - log sum exp of its row, for all n; log_sums (U) are kept for the backward
/// pass. Predictions of a row stand anywhere; `by_row` gives them ordered by row. log_sums and
/// log_probs are the host's. `chunk` is how many rows of logits there are at one time.
inline void head_log_probs(const_matrix_view x, const cuda_weight& weight, const float* bias,
                           std::span<const packed_prediction> predictions,
                           std::span<const std::size_t> by_row, cuda_array& logits,
                           std::span<float> log_sums, std::span<float> log_probs,
                           std::size_t chunk) {
  if (x.rows == 0) return;
  const cudaStream_t stream = context::current().stream();
  const std::size_t vocabulary = weight.outputs();
  const ordered_predictions ordered(predictions, by_row, x.rows);
  const uploaded<std::size_t> rows(ordered.rows);
  const uploaded<token_id> tokens(ordered.tokens);
  const temporary<float> sums(x.rows);
  const temporary<float> probs(by_row.size());
  for (std::size_t first = 0; first < x.rows; first += chunk) {
    const std::size_t count = std::min(chunk, x.rows - first);
    const matrix_view part = logits.as(count, vocabulary);
    linear({x.row(first), count, x.columns}, weight, bias, part);
    launch(head_log_sums<>, static_cast<unsigned>(count), head_threads(vocabulary), 0, stream,
           part.data, vocabulary, sums.data() + first);
    const std::size_t begin = ordered.begins[first];
    const std::size_t predicted = ordered.begins[first + count] - begin;
    if (predicted == 0) continue;
    constexpr unsigned threads = 256;
    launch(head_gather<>, static_cast<unsigned>((predicted + threads - 1) / threads), threads, 0,
           stream, part.data, vocabulary, sums.data(), rows.data() + begin, tokens.data() + begin,
           predicted, first, probs.data() + begin);
  }
  std::vector<float> found(by_row.size());
  context::current().read(log_sums.data(), sums.data(), log_sums.size_bytes());
  context::current().read(found.data(), probs.data(), found.size() * sizeof(float));
  for (std::size_t n = 0; n < found.size(); ++n) log_probs[by_row[n]] = found[n];
}
inline void head_log_probs(const_matrix_view x, const cuda_weight& weight, const float* bias,
                           std::span<const packed_prediction> predictions,
                           std::span<const std::size_t> by_row, cuda_array& logits,
                           std::span<float> log_sums, std::span<float> log_probs) {
  head_log_probs(x, weight, bias, predictions, by_row, logits, log_sums, log_probs,
                 head_chunk_rows(weight.outputs()));
}

/// Adds sum_n weights[n] * grad log_probs[n] to dx (U, width; written), weight_gradient
/// (vocabulary, width; added) and bias_gradient (vocabulary; added, may be null). Logits are
/// computed again. log_sums and weights are the host's.
inline void head_backward(const_matrix_view x, const cuda_weight& packed, const float* bias,
                          const_matrix_view weight, std::span<const packed_prediction> predictions,
                          std::span<const std::size_t> by_row, std::span<const float> log_sums,
                          std::span<const float> weights, cuda_array& logits, matrix_view dx,
                          matrix_view weight_gradient, float* bias_gradient, std::size_t chunk) {
  if (x.rows == 0) return;
  const std::size_t vocabulary = weight.rows;
  const ordered_predictions ordered(predictions, by_row, x.rows);
  std::vector<float> row_totals(x.rows, 0.0F);
  for (std::size_t n = 0; n < predictions.size(); ++n) {
    row_totals[predictions[n].row] += weights[n];
  }
  std::vector<float> ordered_weights;
  for (const std::size_t n : by_row) ordered_weights.push_back(weights[n]);
  const uploaded<token_id> tokens(ordered.tokens);
  const uploaded<std::size_t> begins(ordered.begins);
  const uploaded<float> of_token(ordered_weights);
  const uploaded<float> totals(row_totals);
  const uploaded<float> sums(log_sums);
  for (std::size_t first = 0; first < x.rows; first += chunk) {
    const std::size_t count = std::min(chunk, x.rows - first);
    const matrix_view part = logits.as(count, vocabulary);
    const const_matrix_view input{x.row(first), count, x.columns};
    linear(input, packed, bias, part);
    launch(head_logit_gradient<>, static_cast<unsigned>(count), head_threads(vocabulary), 0,
           context::current().stream(), part.data, vocabulary, sums.data() + first,
           totals.data() + first, begins.data() + first, tokens.data(), of_token.data());
    linear_backward(input, weight, part, {dx.row(first), count, x.columns}, false, weight_gradient,
                    bias_gradient);
  }
}
inline void head_backward(const_matrix_view x, const cuda_weight& packed, const float* bias,
                          const_matrix_view weight, std::span<const packed_prediction> predictions,
                          std::span<const std::size_t> by_row, std::span<const float> log_sums,
                          std::span<const float> weights, cuda_array& logits, matrix_view dx,
                          matrix_view weight_gradient, float* bias_gradient) {
  head_backward(x, packed, bias, weight, predictions, by_row, log_sums, weights, logits, dx,
                weight_gradient, bias_gradient, head_chunk_rows(weight.rows));
}

}  // namespace prefopt::gpu
