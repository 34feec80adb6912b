#include <prefopt/offset/identity.hpp>

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

namespace prefopt {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

TEST(identity, is_the_difference) {
  EXPECT_EQ(identity{}(5.0, 3.0), 2.0);
}

TEST(identity, accepts_ties_and_inverted_pairs_but_no_nan) {
  EXPECT_TRUE(identity::accepts(1.0, 1.0));
  EXPECT_TRUE(identity::accepts(1.0, 2.0));
  EXPECT_FALSE(identity::accepts(nan, 1.0));
  EXPECT_FALSE(identity::accepts(infinity, infinity));
}

}  // namespace
}  // namespace prefopt
