#include <prefopt/offset/identity.hpp>

#include <cmath>

#include <gtest/gtest.h>

#include "offset/not_finite.hpp"

namespace prefopt {
namespace {

using test::infinity;
using test::nan;

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
