#include <prefopt/offset/alpha_scaled.hpp>

#include <cmath>

#include <gtest/gtest.h>

#include <prefopt/offset/identity.hpp>

#include "offset/not_finite.hpp"

namespace prefopt {
namespace {

using test::infinity;
using test::nan;

TEST(alpha_scaled, multiplies) {
  EXPECT_DOUBLE_EQ((alpha_scaled{log_diff{}, 0.5}(3.0, 1.0)), 0.5 * std::log(2.0));
  EXPECT_EQ((alpha_scaled{identity{}, -2.0}(3.0, 1.0)), -4.0);
}

TEST(alpha_scaled, with_alpha_0_is_plus_0_whatever_the_scores) {
  const alpha_scaled none{log_diff{}, 0.0};
  for (const double loser : {0.5, 1.0, 2.0, nan, infinity}) {
    EXPECT_EQ(none(1.0, loser), 0.0);
    EXPECT_FALSE(std::signbit(none(1.0, loser)));
    EXPECT_FALSE(std::signbit(none(1.0F, static_cast<float>(loser))));
    EXPECT_TRUE(none.accepts(1.0, loser));
  }
}

TEST(alpha_scaled, accepts_what_it_scales) {
  const alpha_scaled half{log_diff{}, 0.5};
  EXPECT_TRUE(half.accepts(1.0, 0.5));
  EXPECT_FALSE(half.accepts(0.5, 0.5));
}

}  // namespace
}  // namespace prefopt
