#include <prefopt/loss/any_pair_loss.hpp>

#include <cmath>

#include <gtest/gtest.h>

#include <prefopt/loss/presets.hpp>

namespace prefopt {
namespace {

const pair_terms<double> terms{.policy_winner = -20,
                               .policy_loser = -25,
                               .reference_winner = -21,
                               .reference_loser = -23,
                               .winner_score = 1.5,
                               .loser_score = 0.25};

TEST(any_pair_loss, gives_the_bits_of_the_loss_it_holds) {
  const auto loss = odpo(0.1, 0.5);
  const any_pair_loss held = loss;
  EXPECT_EQ(held(terms).value, loss(terms).value);
  EXPECT_EQ(held(terms).winner, loss(terms).winner);
  EXPECT_EQ(held(terms).loser, loss(terms).loser);
  EXPECT_EQ(held.implicit_reward(-20, -21, 7), loss.implicit_reward(-20.0, -21.0, 7.0));
}

TEST(any_pair_loss, accepts_the_scores_that_the_loss_accepts) {
  const any_pair_loss with_log = odpo(0.1, 0.5);
  EXPECT_FALSE(with_log.accepts(1.0, 1.0));
  EXPECT_TRUE(with_log.accepts(1.0, 0.5));
  EXPECT_TRUE(any_pair_loss(dpo(0.1)).accepts(1.0, 1.0));
}

TEST(any_pair_loss, holds_a_plain_callable) {
  const any_pair_loss held = [](const pair_terms<double>& pair) {
    return pair_gradient<double>{pair.policy_loser - pair.policy_winner, -1, 1};
  };
  EXPECT_EQ(held(terms).value, -5);
  EXPECT_TRUE(held.accepts(1.0, 1.0));
  EXPECT_EQ(held.implicit_reward(-20, -21, 7), 1);
  EXPECT_EQ(held.implicit_reward(-20, std::nan(""), 7), -20);  // no reference
}

}  // namespace
}  // namespace prefopt
