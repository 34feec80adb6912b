#pragma once

// What a `compute_backend` has to pass whose products can be in bfloat16: the factors are rounded
// and nothing else, and a row's result is still its own.

#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include <gtest/gtest.h>
#include <Eigen/Core>

#include <prefopt/backend/compute_backend.hpp>
#include <prefopt/backend/product_kind.hpp>

#include "backend/conformance.hpp"
#include "backend/conformance_edges.hpp"
#include "backend/products_of.hpp"

namespace prefopt::test {

/// Eigen's rounding, written by others, is the reference.
inline numbers rounded_to_bfloat16(numbers x) {
  for (double& value : x) {
    value = static_cast<double>(static_cast<float>(Eigen::bfloat16(static_cast<float>(value))));
  }
  return x;
}

template <class Backend>
class backend_bfloat16 : public backend_conformance<Backend> {};
TYPED_TEST_SUITE_P(backend_bfloat16);

/// Not rounded are the bias, the sums and what is added to. Sizes are odd, so that numbers that are
/// taken two at a time have one left over.
TYPED_TEST_P(backend_bfloat16, products_are_those_of_rounded_factors) {
  constexpr double tolerance = 1e-5;
  constexpr std::size_t rows = 13, inputs = 37, outputs = 19;
  const numbers x = random_numbers(rows * inputs, 1), w = random_numbers(outputs * inputs, 2);
  const numbers b = random_numbers(outputs, 3), g = random_numbers(rows * outputs, 4);
  const numbers rx = rounded_to_bfloat16(x), rw = rounded_to_bfloat16(w);
  const numbers rg = rounded_to_bfloat16(g);
  held_matrix<TypeParam> hx(rows, inputs, x), hw(outputs, inputs, w), hb(1, outputs, b);
  held_matrix<TypeParam> y(rows, outputs, 0.0), dy(rows, outputs, g), dx(rows, inputs, 3.0);
  held_matrix<TypeParam> dw(outputs, inputs, 2.0), db(1, outputs, 1.0);
  const products_of<TypeParam> bfloat16(product_kind::bfloat16);
  typename TypeParam::weight weight;
  weight.pack(hw.view());
  EXPECT_EQ(weight.kind(), product_kind::bfloat16);
  TypeParam::linear(hx.view(), weight, hb.data(), y.view());
  expect_close(y.floats(), reference::linear(rx, rw, b, inputs), tolerance, "linear");
  TypeParam::linear_backward(hx.view(), hw.view(), dy.view(), dx.view(), true, dw.view(),
                             db.data());
  expect_close(dx.floats(), plus(multiply(rg, false, rw, rows, outputs, inputs), 3.0), tolerance,
               "dx");
  expect_close(dw.floats(), plus(multiply(rg, true, rx, outputs, rows, inputs), 2.0), tolerance,
               "dweight");
  expect_close(db.floats(), plus(multiply(g, true, numbers(rows, 1.0), outputs, rows, 1), 1.0),
               tolerance, "dbias, of gradients that are not rounded");
}

/// A weight is what it was packed for, whatever products are afterwards.
TYPED_TEST_P(backend_bfloat16, a_weight_keeps_the_numbers_that_it_was_packed_in) {
  held_matrix<TypeParam> w(1, 1, 1.0 + 1.0 / 1024), x(1, 1, 1.0), y(1, 1, 0.0);
  typename TypeParam::weight exact, rounded;
  exact.pack(w.view());
  {
    const products_of<TypeParam> bfloat16(product_kind::bfloat16);
    rounded.pack(w.view());
    TypeParam::linear(x.view(), exact, nullptr, y.view());
    EXPECT_EQ(y.floats(), std::vector<float>{1.0F + 1.0F / 1024});
  }
  TypeParam::linear(x.view(), rounded, nullptr, y.view());
  EXPECT_EQ(y.floats(), std::vector<float>{1.0F});
}

/// To the last bit, as in float32.
TYPED_TEST_P(backend_bfloat16, a_row_is_the_same_alone) {
  constexpr std::size_t rows = 41, inputs = 1103, outputs = 67;
  const numbers x = random_numbers(rows * inputs, 1);
  held_matrix<TypeParam> all(rows, inputs, x),
      hw(outputs, inputs, random_numbers(outputs * inputs, 2));
  held_matrix<TypeParam> together(rows, outputs, 0.0);
  const products_of<TypeParam> bfloat16(product_kind::bfloat16);
  typename TypeParam::weight weight;
  weight.pack(hw.view());
  TypeParam::linear(all.view(), weight, nullptr, together.view());
  const std::vector<float> found = together.floats();
  for (const std::size_t r : {std::size_t{0}, std::size_t{17}, rows - 1}) {
    const auto at = static_cast<std::ptrdiff_t>(r);
    const auto width = static_cast<std::ptrdiff_t>(inputs);
    held_matrix<TypeParam> row(1, inputs,
                               numbers(x.begin() + at * width, x.begin() + (at + 1) * width));
    held_matrix<TypeParam> alone(1, outputs, 0.0);
    TypeParam::linear(row.view(), weight, nullptr, alone.view());
    const auto begin = found.begin() + at * static_cast<std::ptrdiff_t>(outputs);
    EXPECT_EQ(alone.floats(),
              std::vector<float>(begin, begin + static_cast<std::ptrdiff_t>(outputs)))
        << r;
  }
}

/// A NaN or an infinity is not lost in rounding: a run has to notice it.
TYPED_TEST_P(backend_bfloat16, what_is_not_finite_stays_so) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  for (const double value : {not_a_number, infinity, -infinity, 3.4e38}) {
    held_matrix<TypeParam> x(1, 3, numbers{1.0, 2.0, value}), w(1, 3, numbers{1.0, 1.0, 1.0});
    held_matrix<TypeParam> y(1, 1, 0.0);
    const products_of<TypeParam> bfloat16(product_kind::bfloat16);
    typename TypeParam::weight weight;
    weight.pack(w.view());
    TypeParam::linear(x.view(), weight, nullptr, y.view());
    EXPECT_FALSE(std::isfinite(y.floats()[0])) << value << ", the last number";
    held_matrix<TypeParam> other(1, 3, numbers{1.0, value, 2.0});
    TypeParam::linear(other.view(), weight, nullptr, y.view());
    EXPECT_FALSE(std::isfinite(y.floats()[0])) << value << ", the second of two";
    held_matrix<TypeParam> dy(1, 1, value), dx(1, 3, 0.0), dw(1, 3, 0.0);
    held_matrix<TypeParam> one(1, 3, numbers{1.0, 1.0, 1.0});
    TypeParam::linear_backward(one.view(), w.view(), dy.view(), dx.view(), false, dw.view(),
                               nullptr);
    EXPECT_FALSE(std::isfinite(dx.floats()[0])) << value;
    EXPECT_FALSE(std::isfinite(dw.floats()[0])) << value;
  }
}

REGISTER_TYPED_TEST_SUITE_P(backend_bfloat16, products_are_those_of_rounded_factors,
                            a_weight_keeps_the_numbers_that_it_was_packed_in,
                            a_row_is_the_same_alone, what_is_not_finite_stays_so);

}  // namespace prefopt::test
