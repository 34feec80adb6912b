// Drawn tokens are the very tokens of the CPU's `token_sampler`, to the last bit of their
// log-probs.
#include <prefopt/backend/cuda/draw.cuh>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

#include <gtest/gtest.h>

#include <prefopt/backend/cuda/cuda_backend.cuh>
#include <prefopt/backend/token_sampler.hpp>

#include "backend/numbers.hpp"

namespace prefopt::test {
namespace {

constexpr double last = 1.0 - 0x1.0p-53;

void expect_those_of_the_cpu(std::size_t columns, const numbers& logits, const draw_options& how,
                             const numbers& uniforms) {
  SCOPED_TRACE(testing::Message() << columns << " tokens, T " << how.temperature << ", k "
                                  << how.top_k << ", p " << how.top_p);
  held_matrix<cuda_backend> held(uniforms.size(), columns, logits);
  std::vector<sampled_token> found(uniforms.size());
  gpu::draw_tokens(held.view(), how, uniforms, found);
  const std::vector<float> rows(logits.begin(), logits.end());
  token_sampler sampler(how);
  for (std::size_t r = 0; r < found.size(); ++r) {
    const sampled_token expected =
        sampler.pick(std::span(rows).subspan(r * columns, columns), uniforms[r]);
    EXPECT_EQ(found[r].token, expected.token) << "row " << r << " by " << uniforms[r];
    EXPECT_EQ(found[r].log_prob, expected.log_prob) << "row " << r;
  }
}

numbers uniforms_of(std::size_t rows, std::uint32_t seed) {
  numbers result = random_numbers(rows, seed, 0.5);
  for (double& u : result) u = std::min(u + 0.5, last);
  result[0] = 0.0;
  result[1] = last;
  return result;
}

TEST(cuda_draw, is_that_of_the_cpu_whatever_is_cut_off) {
  constexpr std::size_t rows = 8;
  std::uint32_t seed = 1000;
  for (const std::size_t columns : {1U, 100U, 128U, 129U, 5000U}) {
    for (const double spread : {0.0, 1e-5, 2.0, 15.0, 400.0}) {
      for (const double temperature : {0.0, 0.3, 1.0}) {
        for (const std::size_t k : {0U, 1U, 60U, 4000U}) {
          for (const double p : {1e-6, 0.8, 1.0 - 1e-9, 1.0}) {
            ++seed;
            expect_those_of_the_cpu(columns, random_numbers(rows * columns, seed, spread),
                                    {.temperature = temperature, .top_k = k, .top_p = p},
                                    uniforms_of(rows, seed));
          }
        }
      }
    }
  }
}

/// Logits in few steps, as those of narrow numbers are: many are equal.
TEST(cuda_draw, is_that_of_the_cpu_among_equal_logits) {
  constexpr std::size_t rows = 8, columns = 3000;
  for (std::uint32_t seed = 0; seed < 2; ++seed) {
    numbers logits = random_numbers(rows * columns, seed, 10.0);
    for (double& logit : logits) logit = std::round(2.0 * logit) / 2.0;
    for (const std::size_t k : {0U, 5U, 500U, 2500U}) {
      for (const double p : {0.5, 0.99, 1.0}) {
        expect_those_of_the_cpu(columns, logits, {.top_k = k, .top_p = p}, uniforms_of(rows, seed));
      }
    }
  }
}

/// Rounding carries the draw past every token with a weight; to which one is then the CPU's choice.
TEST(cuda_draw, is_that_of_the_cpu_where_rounding_decides) {
  constexpr std::size_t rows = 40, columns = 600;
  numbers logits = random_numbers(rows * columns, 7, 5.0);
  for (std::size_t r = 0; r < rows; ++r) {
    const auto row = logits.begin() + static_cast<std::ptrdiff_t>(r * columns);
    std::fill(row + static_cast<std::ptrdiff_t>(200 + 8 * r), row + columns, -1000.0);
  }
  for (const draw_options how : {draw_options{}, draw_options{.top_k = 599},
                                 draw_options{.top_p = 1.0 - 1e-15}, draw_options{.top_p = 0.5}}) {
    expect_those_of_the_cpu(columns, logits, how, numbers(rows, last));
  }
}

TEST(cuda_draw, is_that_of_the_cpu_over_a_whole_vocabulary) {
  constexpr std::size_t rows = 3, columns = 50257;
  const numbers logits = random_numbers(rows * columns, 1, 8.0);
  for (const draw_options how :
       {draw_options{}, draw_options{.temperature = 0.7, .top_k = 50}, draw_options{.top_p = 0.95},
        draw_options{.temperature = 3.0, .top_p = 0.999},
        draw_options{.top_k = 40000, .top_p = 0.9}}) {
    expect_those_of_the_cpu(columns, logits, how, uniforms_of(rows, 2));
  }
}

TEST(cuda_draw, gives_its_scratch_memory_back) {
  held_matrix<cuda_backend> held(2, 500, 1.0);
  std::vector<sampled_token> found(2);
  const std::size_t before = gpu::context::current().held();
  gpu::draw_tokens(held.view(), {.top_k = 5}, std::vector<double>{0.1, 0.2}, found);
  EXPECT_EQ(gpu::context::current().held(), before);
}

}  // namespace
}  // namespace prefopt::test
