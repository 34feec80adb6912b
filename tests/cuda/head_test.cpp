#include <prefopt/backend/cuda/head.cuh>

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

#include <prefopt/backend/cuda/cuda_backend.cuh>

#include "backend/reference_operations.hpp"

namespace prefopt::test {
namespace {

/// Predictions in no order: the first row predicts three tokens, two of them the same; the last
/// none.
struct head_input {
  static constexpr std::size_t rows = 11, width = 6, vocabulary = 300;
  std::vector<packed_prediction> predictions;
  std::vector<std::size_t> by_row;
  numbers x = random_numbers(rows * width, 1), w = random_numbers(vocabulary * width, 2),
          b = random_numbers(vocabulary, 3);

  head_input() {
    for (std::size_t r = rows - 1; r-- > 0;) {
      predictions.push_back({0, 0, r, static_cast<token_id>(r * 29)});
    }
    predictions.push_back({1, 0, 0, 7});
    predictions.push_back({2, 0, 0, 7});
    by_row.resize(predictions.size());
    std::iota(by_row.begin(), by_row.end(), std::size_t{0});
    std::stable_sort(by_row.begin(), by_row.end(), [&](std::size_t i, std::size_t j) {
      return predictions[i].row < predictions[j].row;
    });
  }
};

/// Chunks of any number of rows give the log-probs and gradients of the formula.
TEST(cuda_head, is_the_formula_whatever_the_chunk) {
  const head_input in;
  const std::size_t count = in.predictions.size();
  const numbers weights = random_numbers(count, 4);
  const auto log_probs_of = [&](const numbers& x, const numbers& w, const numbers& b) {
    return reference::head(x, w, b, in.width, in.predictions);
  };
  const numbers expected = log_probs_of(in.x, in.w, in.b);
  const numbers expected_dx = numeric_gradient(
      [&](const numbers& v) { return log_probs_of(v, in.w, in.b); }, in.x, weights);
  const numbers expected_db = numeric_gradient(
      [&](const numbers& v) { return log_probs_of(in.x, in.w, v); }, in.b, weights);
  held_matrix<cuda_backend> x(in.rows, in.width, in.x), w(in.vocabulary, in.width, in.w);
  held_matrix<cuda_backend> b(1, in.vocabulary, in.b);
  cuda_weight packed;
  packed.pack(w.view());
  for (const std::size_t chunk : {1U, 4U, 11U, 128U}) {
    SCOPED_TRACE(chunk);
    cuda_array logits;
    std::vector<float> log_sums(in.rows), log_probs(count);
    gpu::head_log_probs(x.view(), packed, b.data(), in.predictions, in.by_row, logits, log_sums,
                        log_probs, chunk);
    EXPECT_LE(logits.size(), std::min(chunk, in.rows) * in.vocabulary);
    expect_close(log_probs, expected, 1e-5, "log_probs");
    held_matrix<cuda_backend> dx(in.rows, in.width, 3.0), dw(in.vocabulary, in.width, 0.0);
    held_matrix<cuda_backend> db(1, in.vocabulary, 1.0);
    const std::vector<float> token_weights(weights.begin(), weights.end());
    gpu::head_backward(x.view(), packed, b.data(), w.view(), in.predictions, in.by_row, log_sums,
                       token_weights, logits, dx.view(), dw.view(), db.data(), chunk);
    expect_close(dx.floats(), expected_dx, 2e-5, "dx");
    expect_close(db.floats(), plus(expected_db, 1.0), 2e-5, "dbias, which is added to");
  }
}

/// Enough rows for the tensor cores, and no more memory than is said.
TEST(cuda_head, chunks_take_256_mebibytes) {
  for (const std::size_t vocabulary : {std::size_t{1}, std::size_t{50257}, std::size_t{151'936}}) {
    const std::size_t rows = gpu::head_chunk_rows(vocabulary);
    EXPECT_EQ(rows % 128, 0U);
    EXPECT_LE(rows * vocabulary, std::size_t{1} << 26U);
    EXPECT_GE((rows + 128) * vocabulary, std::size_t{1} << 26U);
  }
  EXPECT_EQ(gpu::head_chunk_rows(1'000'000), 128U);
}

}  // namespace
}  // namespace prefopt::test
