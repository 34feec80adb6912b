#include <prefopt/offset/diff_log.hpp>

#include <cmath>

#include <gtest/gtest.h>

#include "offset/not_finite.hpp"

namespace prefopt {
namespace {

using test::infinity;
using test::nan;

TEST(diff_log, is_the_difference_of_the_logs) {
  EXPECT_DOUBLE_EQ(diff_log{}(1.5, 0.5), std::log(3.0));
  EXPECT_NEAR(diff_log{}(1.5F, 0.5F), std::log(3.0), 2e-7);
}

TEST(diff_log, does_not_depend_on_the_unit_of_the_scores) {
  EXPECT_NEAR(diff_log{}(1.5e200, 0.5e200), diff_log{}(1.5, 0.5), 1e-12);
}

TEST(diff_log, is_finite_for_the_smallest_scores) {
  EXPECT_TRUE(std::isfinite(diff_log{}(2e-30, 1e-30)));
  EXPECT_TRUE(std::isfinite(diff_log{}(1.0F, 1e-40F)));
}

TEST(diff_log, accepts_only_positive_scores_with_the_winner_above) {
  EXPECT_TRUE(diff_log::accepts(0.5, 1e-300));
  EXPECT_FALSE(diff_log::accepts(0.5, 0.0));
  EXPECT_FALSE(diff_log::accepts(0.5, -0.5));
  EXPECT_FALSE(diff_log::accepts(0.5, 0.5));
  EXPECT_FALSE(diff_log::accepts(0.4, 0.5));
  EXPECT_FALSE(diff_log::accepts(infinity, 0.5));
  EXPECT_FALSE(diff_log::accepts(nan, 0.5));
  EXPECT_FALSE(diff_log::accepts(0.5, nan));
}

}  // namespace
}  // namespace prefopt
