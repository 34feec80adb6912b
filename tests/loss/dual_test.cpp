#include <prefopt/loss/dual.hpp>

#include <cmath>

#include <gtest/gtest.h>

#include <prefopt/loss/functions.hpp>

namespace prefopt {
namespace {

/// Compares f's tangent with a central difference at x.
template <class Function>
void expect_derivative(Function f, double x) {
  const dual<double> y = f(dual<double>::variable(x, 0));
  constexpr double step = 1e-6;
  const double difference =
      (f(dual<double>(x + step)).value - f(dual<double>(x - step)).value) / (2 * step);
  EXPECT_NEAR(y.tangent[0], difference, 1e-7 * (1 + std::abs(difference))) << "at " << x;
  EXPECT_EQ(f(dual<double>(x)).tangent[0], 0.0);  // of a constant
}

TEST(dual, knows_the_elementary_functions) {
  for (const double x : {0.1, 0.7, 1.9}) {
    expect_derivative([](auto v) { return exp(v); }, x);
    expect_derivative([](auto v) { return log(v); }, x);
    expect_derivative([](auto v) { return log1p(v); }, x);
    expect_derivative([](auto v) { return expm1(v); }, x);
    expect_derivative([](auto v) { return sqrt(v); }, x);
    expect_derivative([](auto v) { return pow(v, 2.5); }, x);
    for (const double s : {x, -x}) {
      expect_derivative([](auto v) { return tanh(v); }, s);
      expect_derivative([](auto v) { return abs(v); }, s);
      expect_derivative([](auto v) { return sigmoid(v); }, s);
      expect_derivative([](auto v) { return log_sigmoid(v); }, s);
      expect_derivative([](auto v) { return positive_part(v); }, s);
      expect_derivative([](auto v) { return square(v); }, s);
      expect_derivative([](auto v) { return 3 / v - v * (2 + v) / 5 + (v - 1) * -v; }, s);
    }
  }
}

TEST(dual, carries_several_variables) {
  using number = dual<double, 2>;
  const number x = number::variable(3.0, 0);
  const number y = number::variable(5.0, 1);
  const number z = x * y / (x + 2.0 * y);
  EXPECT_DOUBLE_EQ(z.value, 15.0 / 13.0);
  EXPECT_DOUBLE_EQ(z.tangent[0], 2 * 25.0 / 169.0);
  EXPECT_DOUBLE_EQ(z.tangent[1], 9.0 / 169.0);
}

TEST(dual, compares_by_value) {
  using number = dual<double>;
  EXPECT_TRUE(number::variable(1.0, 0) == number(1.0));
  EXPECT_TRUE(number(1.0) < 2.0);
  EXPECT_TRUE(number(1.0) > number(0.5));
}

}  // namespace
}  // namespace prefopt
