#include <prefopt/offset/offset_policy.hpp>

#include <cmath>

#include <gtest/gtest.h>

#include "offset/not_finite.hpp"

namespace prefopt {
namespace {

using test::infinity;
using test::nan;

struct half_gap {
  template <class Real>
  constexpr Real operator()(Real winner_score, Real loser_score) const {
    return (winner_score - loser_score) / 2;
  }
};
struct no_number {
  void operator()(double, double) const {}
};

static_assert(offset_policy<half_gap> && offset_policy<half_gap, float>);
static_assert(!offset_policy<no_number> && !offset_policy<int>);

TEST(offset_policy, accepts_finite_scores_where_the_offset_does_not_say) {
  EXPECT_TRUE(offset_accepts(half_gap{}, 1.0, 2.0));
  EXPECT_FALSE(offset_accepts(half_gap{}, nan, 2.0));
  EXPECT_FALSE(offset_accepts(half_gap{}, 1.0, -infinity));
}

}  // namespace
}  // namespace prefopt
