#include <prefopt/loss/regularizer.hpp>

#include <gtest/gtest.h>

namespace prefopt {
namespace {

const pair_terms<double> pair{.policy_winner = -10, .policy_loser = -12, .policy_target = -7};

TEST(regularizer, winner_nll_keeps_the_winner_likely) {
  const auto kept = winner_nll{0.5}(pair);
  EXPECT_EQ(kept.value, 5.0);
  EXPECT_EQ(kept.winner, -0.5);
  EXPECT_EQ(kept.loser, 0.0);
  EXPECT_EQ(kept.target, 0.0);
}

TEST(regularizer, target_nll_keeps_the_target_likely) {
  const auto kept = target_nll{0.5}(pair);
  EXPECT_EQ(kept.value, 3.5);
  EXPECT_EQ(kept.winner, 0.0);
  EXPECT_EQ(kept.loser, 0.0);
  EXPECT_EQ(kept.target, -0.5);
}

TEST(regularizer, no_regularizer_adds_nothing) {
  EXPECT_EQ(no_regularizer{}(pair).value, 0.0);
  EXPECT_EQ(no_regularizer{}(pair).winner, 0.0);
}

}  // namespace
}  // namespace prefopt
