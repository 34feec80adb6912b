#include <prefopt/offset/constant.hpp>

#include <cmath>

#include <gtest/gtest.h>

#include "offset/not_finite.hpp"

namespace prefopt {
namespace {

using test::infinity;
using test::nan;

TEST(constant, is_the_same_for_every_pair) {
  EXPECT_EQ(constant{1.5}(5.0, 3.0), 1.5);
  EXPECT_EQ(constant{1.5}(nan, infinity), 1.5);
  EXPECT_TRUE(constant::accepts(nan, infinity));
}

}  // namespace
}  // namespace prefopt
