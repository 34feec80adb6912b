#include <prefopt/offset/log_diff.hpp>

#include <cmath>

#include <gtest/gtest.h>

#include "offset/not_finite.hpp"

namespace prefopt {
namespace {

using test::infinity;
using test::nan;

TEST(log_diff, is_the_log_of_the_difference) {
  EXPECT_DOUBLE_EQ(log_diff{}(1.75, 0.25), std::log(1.5));
  EXPECT_EQ(log_diff{}(3.0, 2.0), 0.0);
  EXPECT_NEAR(log_diff{}(1.75F, 0.25F), std::log(1.5), 1e-7);
}

TEST(log_diff, is_finite_for_scores_a_hair_apart) {
  EXPECT_DOUBLE_EQ(log_diff{}(1e-30, 0.0), std::log(1e-30));
  EXPECT_NEAR(log_diff{}(1e-30F, 0.0F), std::log(1e-30), 1e-5);
  EXPECT_TRUE(log_diff::accepts(1e-30, 0.0));
  const double above_one = std::nextafter(1.0, 2.0);
  EXPECT_TRUE(log_diff::accepts(above_one, 1.0));
  EXPECT_DOUBLE_EQ(log_diff{}(above_one, 1.0), std::log(0x1p-52));
}

TEST(log_diff, accepts_only_a_finite_winner_above_the_loser) {
  EXPECT_FALSE(log_diff::accepts(0.5, 0.5));
  EXPECT_FALSE(log_diff::accepts(0.4, 0.5));
  EXPECT_FALSE(log_diff::accepts(nan, 0.5));
  EXPECT_FALSE(log_diff::accepts(0.5, nan));
  EXPECT_FALSE(log_diff::accepts(infinity, 0.5));
  EXPECT_FALSE(log_diff::accepts(0.5, -infinity));
  EXPECT_FALSE(log_diff::accepts(1e308, -1e308));  // the difference overflows
}

}  // namespace
}  // namespace prefopt
