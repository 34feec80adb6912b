#include <prefopt/loss/margin_loss.hpp>

#include <cmath>

#include <gtest/gtest.h>

#include <prefopt/loss/presets.hpp>

#include "loss/random_pairs.hpp"

namespace prefopt {
namespace {

// A user's own member on each axis: not templates, doubles only where double is all that is used.
struct squared_probability {  // a reward that is not linear in log pi
  double operator()(double policy, double, double) const { return std::exp(2 * policy); }
  double slope(double policy, double, double) const { return 2 * std::exp(2 * policy); }
};
struct half_gap {
  double operator()(double winner_score, double loser_score) const {
    return (winner_score - loser_score) / 2;
  }
};
struct exponential {
  link_value<double> operator()(double margin) const {
    return {std::exp(-margin), -std::exp(-margin)};
  }
};
struct both_nll {
  pair_gradient<double> operator()(const pair_terms<double>& pair) const {
    return {-pair.policy_winner - pair.policy_loser, -1, -1};
  }
};

TEST(margin_loss, takes_a_users_own_type_on_every_axis) {
  const margin_loss loss{3.0, squared_probability{}, half_gap{}, exponential{}, both_nll{}};
  const pair_terms<double> pair{
      .policy_winner = -1, .policy_loser = -2, .winner_score = 3, .loser_score = 1};
  const double w = std::exp(-2.0);
  const double l = std::exp(-4.0);
  const double punished = std::exp(-(3 * (w - l) - 1));
  const auto result = loss(pair);
  EXPECT_DOUBLE_EQ(result.value, punished + 3);
  EXPECT_DOUBLE_EQ(result.winner, -punished * 3 * 2 * w - 1);
  EXPECT_DOUBLE_EQ(result.loser, punished * 3 * 2 * l - 1);
}

TEST(margin_loss, reports_beta_times_the_reward) {
  EXPECT_DOUBLE_EQ(dpo(0.5).implicit_reward(-10.0, -12.0, 4.0), 1.0);
  EXPECT_DOUBLE_EQ(simpo(2.0, 1.0).implicit_reward(-10.0, 0.0, 4.0), -5.0);
}

// DPO's derivatives are equal and opposite, and push the winner up.
TEST(margin_loss, moves_the_winner_up_and_the_loser_down) {
  random_stream stream(1);
  for (int i = 0; i < 200; ++i) {
    const auto gradient = dpo(0.1)(test::random_pair(stream));
    EXPECT_LT(gradient.winner, 0);
    EXPECT_EQ(gradient.loser, -gradient.winner);
    EXPECT_GE(gradient.winner, -0.1);
  }
}

// Properties over random pairs: the loss falls where the winner gains, and a larger offset only
// makes it larger.
TEST(margin_loss, falls_with_the_margin_and_rises_with_the_offset) {
  random_stream stream(2);
  for (int i = 0; i < 500; ++i) {
    const pair_terms<double> pair = test::random_pair(stream);
    pair_terms<double> better = pair;
    better.policy_winner += stream.uniform();
    EXPECT_LE(dpo(0.1)(better).value, dpo(0.1)(pair).value);
    EXPECT_LE(rso(0.1)(better).value, rso(0.1)(pair).value);
    const auto with_offset = [&](double delta) {
      return odpo(0.1, 1.0, constant{delta})(pair).value;
    };
    EXPECT_LT(with_offset(0.5), with_offset(0.6));
  }
}

}  // namespace
}  // namespace prefopt
