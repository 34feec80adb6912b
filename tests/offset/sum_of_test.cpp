#include <prefopt/offset/sum_of.hpp>

#include <cmath>

#include <gtest/gtest.h>

#include <prefopt/offset/alpha_scaled.hpp>
#include <prefopt/offset/clamped.hpp>
#include <prefopt/offset/identity.hpp>

#include "offset/not_finite.hpp"

namespace prefopt {
namespace {

using test::infinity;
using test::nan;

/// A user's own: no `accepts`, doubles only.
struct square_gap {
  double operator()(double winner_score, double loser_score) const {
    return (winner_score - loser_score) * (winner_score - loser_score);
  }
};

TEST(sum_of, adds) {
  EXPECT_DOUBLE_EQ((sum_of{log_diff{}, constant{1.0}}(3.0, 1.0)), std::log(2.0) + 1.0);
}

TEST(sum_of, nests_with_the_others_and_with_a_users_own) {
  const sum_of offset{clamped{alpha_scaled{square_gap{}, 0.5}, 0.0, 3.0},
                      sum_of{identity{}, constant{0.25}}};
  EXPECT_DOUBLE_EQ(offset(3.0, 1.0), 2.0 + 2.0 + 0.25);
  EXPECT_DOUBLE_EQ(offset(5.0, 1.0), 3.0 + 4.0 + 0.25);
}

TEST(sum_of, accepts_what_both_accept) {
  const sum_of offset{square_gap{}, log_diff{}};
  EXPECT_TRUE(offset.accepts(2.0, 1.0));
  EXPECT_FALSE(offset.accepts(1.0, 1.0));
  EXPECT_FALSE((sum_of{square_gap{}, constant{1.0}}.accepts(nan, 1.0)));
  EXPECT_FALSE((sum_of{square_gap{}, constant{1.0}}.accepts(1.0, infinity)));
}

}  // namespace
}  // namespace prefopt
