#include <prefopt/offset/constant.hpp>

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

namespace prefopt {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

TEST(constant, is_the_same_for_every_pair) {
  EXPECT_EQ(constant{1.5}(5.0, 3.0), 1.5);
  EXPECT_EQ(constant{1.5}(nan, infinity), 1.5);
  EXPECT_TRUE(constant::accepts(nan, infinity));
}

}  // namespace
}  // namespace prefopt
