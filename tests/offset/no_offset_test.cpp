#include <prefopt/offset/no_offset.hpp>

#include <cmath>

#include <gtest/gtest.h>

#include "offset/not_finite.hpp"

namespace prefopt {
namespace {

using test::infinity;
using test::nan;

TEST(no_offset, is_zero_for_every_pair) {
  EXPECT_EQ(no_offset{}(5.0, 3.0), 0.0);
  EXPECT_EQ(no_offset{}(nan, infinity), 0.0);
  EXPECT_TRUE(no_offset::accepts(nan, infinity));
}

}  // namespace
}  // namespace prefopt
