#include <prefopt/core/math.hpp>

#include <cmath>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

namespace prefopt {
namespace {

/// Largest relative error of `mine` against the double function, over floats `step` bit patterns
/// apart in [from, to], both of the same sign.
template <class Mine, class Exact>
double worst_error(Mine mine, Exact exact, float from, float to, std::uint32_t step) {
  double worst = 0;
  for (std::uint64_t bits = std::bit_cast<std::uint32_t>(from);
       bits <= std::bit_cast<std::uint32_t>(to); bits += step) {
    const float x = std::bit_cast<float>(static_cast<std::uint32_t>(bits));
    const double want = exact(static_cast<double>(x));
    const double got = static_cast<double>(mine(x));
    const double error = want == 0 ? std::abs(got) : std::abs(got - want) / std::abs(want);
    if (!(error <= worst)) worst = error;
  }
  return worst;
}

const auto exp_mine = [](float x) { return math::exp(x); };
const auto exp_exact = [](double x) { return std::exp(x); };
const auto log_mine = [](float x) { return math::log(x); };
const auto log_exact = [](double x) { return std::log(x); };

TEST(float_math, exp_is_exact_to_rounding) {
  EXPECT_LT(worst_error(exp_mine, exp_exact, 1e-30F, 88.7F, 1009), 2e-7);
  EXPECT_LT(worst_error(exp_mine, exp_exact, -1e-30F, -87.3F, 1009), 2e-7);
}

TEST(float_math, exp_at_the_ends_of_its_range) {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ(math::exp(0.0F), 1.0F);
  EXPECT_EQ(math::exp(-infinity), 0.0F);
  EXPECT_EQ(math::exp(infinity), infinity);
  EXPECT_EQ(math::exp(-1e6F), 0.0F);
  EXPECT_EQ(math::exp(1e6F), infinity);
  EXPECT_TRUE(std::isnan(math::exp(std::numeric_limits<float>::quiet_NaN())));
  EXPECT_NEAR(math::exp(-95.0F), std::exp(-95.0), 2e-45);  // subnormal
}

TEST(float_math, log_is_exact_to_rounding) {
  EXPECT_LT(worst_error(log_mine, log_exact, std::numeric_limits<float>::denorm_min(), 0.999F, 997),
            3e-7);
  EXPECT_LT(worst_error(log_mine, log_exact, 1.001F, std::numeric_limits<float>::max(), 997), 3e-7);
  EXPECT_LT(worst_error(log_mine, log_exact, 0.999F, 1.001F, 1), 3e-7);
}

TEST(float_math, log_outside_its_domain) {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ(math::log(1.0F), 0.0F);
  EXPECT_EQ(math::log(0.0F), -infinity);
  EXPECT_EQ(math::log(-0.0F), -infinity);
  EXPECT_EQ(math::log(infinity), infinity);
  EXPECT_TRUE(std::isnan(math::log(-1.0F)));
  EXPECT_TRUE(std::isnan(math::log(-infinity)));
  EXPECT_TRUE(std::isnan(math::log(std::numeric_limits<float>::quiet_NaN())));
}

TEST(float_math, logistic_is_exact_in_both_tails) {
  const auto loss = [](float m) { return math::logistic_loss(m).loss; };
  const auto slope = [](float m) { return math::logistic_loss(m).slope; };
  const auto exact_loss = [](double m) { return math::logistic_loss(m).loss; };
  const auto exact_slope = [](double m) { return math::logistic_loss(m).slope; };
  for (const float sign : {1.0F, -1.0F}) {
    EXPECT_LT(worst_error(loss, exact_loss, sign * 1e-30F, sign * 87.0F, 1009), 1e-6);
    EXPECT_LT(worst_error(slope, exact_slope, sign * 1e-30F, sign * 87.0F, 1009), 1e-6);
  }
}

TEST(double_math, logistic_against_textbook_values) {
  EXPECT_DOUBLE_EQ(math::logistic_loss(0.0).loss, std::log(2.0));
  EXPECT_DOUBLE_EQ(math::logistic_loss(0.0).slope, 0.5);
  EXPECT_DOUBLE_EQ(math::logistic_loss(1.0).loss, 0.31326168751822283405);
  EXPECT_DOUBLE_EQ(math::logistic_loss(-1.0).loss, 1.31326168751822283405);
  EXPECT_DOUBLE_EQ(math::logistic_loss(700.0).loss, std::exp(-700.0));
}

template <class Real>
void expect_stable_at_a_million() {
  EXPECT_EQ(math::logistic_loss(Real(1e6)).loss, Real(0));
  EXPECT_EQ(math::logistic_loss(Real(1e6)).slope, Real(0));
  EXPECT_EQ(math::logistic_loss(Real(-1e6)).loss, Real(1e6));
  EXPECT_EQ(math::logistic_loss(Real(-1e6)).slope, Real(1));
}

TEST(logistic, is_stable_at_a_million) {
  expect_stable_at_a_million<float>();
  expect_stable_at_a_million<double>();
}

TEST(is_finite, tells_numbers_from_the_rest) {
  EXPECT_TRUE(math::is_finite(std::numeric_limits<double>::max()));
  EXPECT_FALSE(math::is_finite(std::numeric_limits<double>::infinity()));
  EXPECT_FALSE(math::is_finite(std::numeric_limits<double>::quiet_NaN()));
}

}  // namespace
}  // namespace prefopt
