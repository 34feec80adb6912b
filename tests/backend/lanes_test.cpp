#include <prefopt/backend/eigen/lanes.hpp>

#include <cmath>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include <prefopt/core/random.hpp>

namespace prefopt::detail {
namespace {

TEST(lane_sum, is_the_sum_at_any_length) {
  random_stream random(1, 2);
  std::vector<float> x;
  double expected = 0;
  for (std::size_t count = 0; count < 70; ++count) {
    EXPECT_NEAR(lane_sum(count, [&](std::size_t i) { return x[i]; }), expected, 1e-5) << count;
    x.push_back(static_cast<float>(random.uniform()));
    expected += static_cast<double>(x.back());
  }
}

TEST(lane_sum, is_more_exact_than_a_sum_from_left_to_right) {
  constexpr std::size_t count = 1 << 20;
  const auto tenth = [](std::size_t) { return 0.1F; };
  float plain = 0;
  for (std::size_t i = 0; i < count; ++i) plain += tenth(i);
  const double expected = static_cast<double>(0.1F) * count;
  const double error = std::abs(static_cast<double>(lane_sum(count, tenth)) - expected);
  EXPECT_LT(8 * error, std::abs(static_cast<double>(plain) - expected));
}

TEST(lane_max, finds_the_largest_anywhere) {
  for (const std::size_t count : {1U, 15U, 16U, 17U, 33U}) {
    for (std::size_t where = 0; where < count; ++where) {
      EXPECT_EQ(lane_max(count, [&](std::size_t i) { return i == where ? -1.0F : -2.0F; }), -1.0F);
    }
  }
  EXPECT_EQ(lane_max(0, [](std::size_t) { return 0.0F; }), -std::numeric_limits<float>::infinity());
}

TEST(lane_max, does_not_lose_nan) {
  for (const std::size_t count : {1U, 16U, 33U}) {
    for (std::size_t where = 0; where < count; ++where) {
      const auto term = [&](std::size_t i) {
        return i == where ? std::numeric_limits<float>::quiet_NaN() : static_cast<float>(i);
      };
      EXPECT_TRUE(std::isnan(lane_max(count, term))) << where << " of " << count;
    }
  }
}

}  // namespace
}  // namespace prefopt::detail
