#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include <gtest/gtest.h>

#include <prefopt/backend/matrix_view.hpp>
#include <prefopt/core/random.hpp>

namespace prefopt::test {

/// A matrix of the references, row-major, in double precision.
using numbers = std::vector<double>;

/// Uniform on [-size, size), rounded to float so that a backend gets the very same numbers.
inline numbers random_numbers(std::size_t count, std::uint32_t seed, double size = 1.0) {
  random_stream random(2024, seed);
  numbers result(count);
  for (double& x : result) {
    x = static_cast<double>(static_cast<float>(size * (2.0 * random.uniform() - 1.0)));
  }
  return result;
}

/// A matrix in a backend's memory.
template <class Backend>
class held_matrix {
 public:
  held_matrix(std::size_t rows, std::size_t columns, const numbers& values)
      : rows_(rows), columns_(columns) {
    array_.resize(rows * columns);
    const std::vector<float> host(values.begin(), values.end());
    Backend::write(host, view());
  }
  held_matrix(std::size_t rows, std::size_t columns, double value)
      : held_matrix(rows, columns, numbers(rows * columns, value)) {}

  [[nodiscard]] matrix_view view() { return array_.as(rows_, columns_); }
  [[nodiscard]] float* data() { return array_.data(); }

  [[nodiscard]] std::vector<float> floats() {
    std::vector<float> host(rows_ * columns_);
    Backend::read(view(), host);
    return host;
  }

 private:
  typename Backend::array array_;
  std::size_t rows_;
  std::size_t columns_;
};

/// |found - expected| <= tolerance * (1 + |expected|), element by element.
inline void expect_close(const std::vector<float>& found, const numbers& expected, double tolerance,
                         const char* what) {
  ASSERT_EQ(found.size(), expected.size()) << what;
  for (std::size_t i = 0; i < found.size(); ++i) {
    ASSERT_NEAR(static_cast<double>(found[i]), expected[i],
                tolerance * (1.0 + std::abs(expected[i])))
        << what << ", element " << i;
  }
}

/// The gradient of sum_i weights[i] operation(input)[i] by central differences. The operation is a
/// reference in double precision, so the differences are good to about nine digits.
inline numbers numeric_gradient(const std::function<numbers(const numbers&)>& operation,
                                numbers input, const numbers& weights) {
  const auto weighted = [&] {
    const numbers output = operation(input);
    double sum = 0;
    for (std::size_t i = 0; i < output.size(); ++i) sum += weights[i] * output[i];
    return sum;
  };
  numbers gradient(input.size());
  for (std::size_t i = 0; i < input.size(); ++i) {
    constexpr double step = 1e-5;
    const double kept = input[i];
    input[i] = kept + step;
    const double above = weighted();
    input[i] = kept - step;
    gradient[i] = (above - weighted()) / (2 * step);
    input[i] = kept;
  }
  return gradient;
}

inline numbers plus(numbers x, double shift) {
  for (double& value : x) value += shift;
  return x;
}

}  // namespace prefopt::test
