#include <prefopt/offset/clamped.hpp>

#include <cmath>

#include <gtest/gtest.h>

#include "offset/not_finite.hpp"

namespace prefopt {
namespace {

using test::infinity;
using test::nan;

TEST(clamped, keeps_within_its_bounds) {
  const clamped offset{log_diff{}, -1.0, 2.0};
  EXPECT_EQ(offset(1.001, 1.0), -1.0);
  EXPECT_EQ(offset(1001.0, 1.0), 2.0);
  EXPECT_DOUBLE_EQ(offset(3.0, 1.0), std::log(2.0));
}

TEST(clamped, has_no_upper_bound_unless_told) {
  EXPECT_DOUBLE_EQ((clamped{log_diff{}, 0.0}(1e300, 0.0)), std::log(1e300));
}

TEST(clamped, does_not_hide_nan) {
  EXPECT_TRUE(std::isnan(clamped{log_diff{}, 0.0, 1.0}(1.0, 2.0)));
}

TEST(clamped, accepts_what_it_clamps) {
  EXPECT_FALSE((clamped{log_diff{}, 0.0}.accepts(1.0, 1.0)));
  EXPECT_TRUE((clamped{log_diff{}, 0.0}.accepts(2.0, 1.0)));
}

}  // namespace
}  // namespace prefopt
