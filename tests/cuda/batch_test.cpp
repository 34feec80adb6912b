// The losses in Thrust's hands, here on the host: the same functors are the device's.
#ifndef THRUST_DEVICE_SYSTEM
#define THRUST_DEVICE_SYSTEM THRUST_DEVICE_SYSTEM_CPP
#endif
#include <prefopt/loss/batch.cuh>

#include <array>
#include <cmath>
#include <cstddef>
#include <vector>

#include <gtest/gtest.h>

#include <thrust/copy.h>
#include <thrust/device_vector.h>
#include <thrust/execution_policy.h>

#include "loss/every_loss.hpp"
#include "loss/random_pairs.hpp"

namespace prefopt {
namespace {

/// Pairs as arrays in the memory of Thrust's device.
template <class Real>
struct device_pairs {
  std::array<thrust::device_vector<Real>, 9> terms;

  explicit device_pairs(std::size_t count) {
    random_stream stream(count);
    std::array<std::vector<Real>, 9> host;
    for (std::size_t i = 0; i < count; ++i) {
      const auto p = test::converted<Real>(test::random_pair(stream));
      const std::array<Real, 9> each{p.policy_winner,   p.policy_loser, p.reference_winner,
                                     p.reference_loser, p.winner_score, p.loser_score,
                                     p.winner_tokens,   p.loser_tokens, p.policy_target};
      for (std::size_t k = 0; k < each.size(); ++k) host[k].push_back(each[k]);
    }
    for (std::size_t k = 0; k < host.size(); ++k) terms[k] = host[k];
  }
  std::span<const Real> span(std::size_t k) const {
    return {thrust::raw_pointer_cast(terms[k].data()), terms[k].size()};
  }
  pair_arrays<Real> arrays() const {
    return {span(0), span(1), span(2), span(3), span(4), span(5), span(6), span(7), span(8)};
  }
};

template <class Real>
struct device_gradients {
  std::array<thrust::device_vector<Real>, 4> parts;

  explicit device_gradients(std::size_t count) {
    for (auto& part : parts) part = std::vector<Real>(count, Real(-7));
  }
  std::vector<Real> on_host(std::size_t k) const {
    std::vector<Real> values(parts[k].size());
    thrust::copy(parts[k].begin(), parts[k].end(), values.begin());
    return values;
  }
  std::span<Real> span(std::size_t k) {
    return {thrust::raw_pointer_cast(parts[k].data()), parts[k].size()};
  }
  gradient_arrays<Real> arrays() { return {span(0), span(1), span(2), span(3)}; }
};

template <class Real>
void expect_as_on_the_cpu(const char* name, const auto& loss, std::size_t count) {
  const device_pairs<Real> pairs(count);
  device_gradients<Real> found(count);
  device_gradients<Real> expected(count);
  const double sum = evaluate<Real>(thrust::device, loss, pairs.arrays(), found.arrays());
  const double expected_sum = evaluate<Real>(loss, pairs.arrays(), expected.arrays());
  // Either may contract a * b + c where the other does not.
  const double tolerance = sizeof(Real) == 4 ? 4e-6 : 1e-13;
  for (std::size_t k = 0; k < 4; ++k) {
    const std::vector<Real> found_part = found.on_host(k);
    const std::vector<Real> expected_part = expected.on_host(k);
    for (std::size_t i = 0; i < count; ++i) {
      const auto want = static_cast<double>(expected_part[i]);
      ASSERT_NEAR(static_cast<double>(found_part[i]), want, tolerance * (1 + std::abs(want)))
          << name << ", part " << k << ", pair " << i;
    }
  }
  ASSERT_NEAR(sum, expected_sum, tolerance * (1 + std::abs(expected_sum))) << name;
}

TEST(cuda_batch, every_loss_is_that_of_the_cpu) {
  test::for_every_loss([](const char* name, const auto& loss) {
    expect_as_on_the_cpu<float>(name, loss, 300);
    expect_as_on_the_cpu<double>(name, loss, 300);
  });
}

/// A user's own offset and formula, which know nothing of CUDA.
struct gap_squared {
  template <class Real>
  PREFOPT_HD constexpr Real operator()(Real winner_score, Real loser_score) const {
    return (winner_score - loser_score) * (winner_score - loser_score);
  }
};
struct slow_tail {
  template <class Number>
  PREFOPT_HD constexpr Number operator()(const pair_terms<Number>& pair) const {
    return -0.5 * log_sigmoid(0.2 * log_ratio_difference(pair));
  }
};

TEST(cuda_batch, a_users_own_offset_and_formula_are_those_of_the_cpu) {
  expect_as_on_the_cpu<float>("offset", odpo(0.1, 0.5, gap_squared{}), 100);
  expect_as_on_the_cpu<double>("formula", differentiated{slow_tail{}}, 100);
}

TEST(cuda_batch, takes_absent_arrays_as_defaults_and_leaves_out_what_is_not_wanted) {
  const device_pairs<double> pairs(50);
  const pair_arrays<double> logps{.policy_winner = pairs.span(0), .policy_loser = pairs.span(1)};
  device_gradients<double> out(50);
  const double sum =
      evaluate<double>(thrust::device, simpo(2.0, 0.5), logps, {.winner = out.span(1)});
  EXPECT_NEAR(sum, evaluate<double>(simpo(2.0, 0.5), logps), 1e-9);
  EXPECT_EQ(out.on_host(0), std::vector<double>(50, -7.0));
  EXPECT_NE(out.on_host(1)[7], -7.0);
  EXPECT_EQ(evaluate<double>(thrust::device, dpo(0.1), pair_arrays<double>{}), 0.0);
}

TEST(cuda_batch, refuses_arrays_of_different_lengths) {
  const device_pairs<float> pairs(10);
  pair_arrays<float> arrays = pairs.arrays();
  arrays.loser_score = arrays.loser_score.first(9);
  EXPECT_THROW((void)evaluate<float>(thrust::device, dpo(0.1), arrays), usage_error);
}

}  // namespace
}  // namespace prefopt
