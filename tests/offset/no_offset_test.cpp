#include <prefopt/offset/no_offset.hpp>

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

namespace prefopt {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

TEST(no_offset, is_zero_for_every_pair) {
  EXPECT_EQ(no_offset{}(5.0, 3.0), 0.0);
  EXPECT_EQ(no_offset{}(nan, infinity), 0.0);
  EXPECT_TRUE(no_offset::accepts(nan, infinity));
}

}  // namespace
}  // namespace prefopt
