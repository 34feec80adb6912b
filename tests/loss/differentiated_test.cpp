#include <prefopt/loss/differentiated.hpp>

#include <cmath>
#include <cstdio>

#include <gtest/gtest.h>

#include <prefopt/loss/presets.hpp>
#include <prefopt/offset/diff_log.hpp>
#include <prefopt/offset/identity.hpp>

#include "loss/random_pairs.hpp"

// Dual numbers against the derivatives that were worked out by hand, for every link and
// regularizer.

namespace prefopt {
namespace {

template <class Hand, class Formula>
void expect_same(const char* name, const Hand& hand, Formula formula) {
  const differentiated automatic{formula};
  random_stream stream(1);
  for (int i = 0; i < 300; ++i) {
    const pair_terms<double> pair = test::random_pair(stream, i < 200 ? 5 : 100);
    const auto want = hand(pair);
    const auto got = automatic(pair);
    const auto near = [&](double a, double b) {
      EXPECT_NEAR(a, b, 1e-11 * (1 + std::abs(b))) << name << ", pair " << i;
    };
    near(got.value, want.value);
    near(got.winner, want.winner);
    near(got.loser, want.loser);
    near(got.target, want.target);
  }
}

TEST(differentiated, agrees_with_derivatives_by_hand) {
  expect_same("dpo", dpo(0.3),
              [](const auto& p) { return -log_sigmoid(0.3 * log_ratio_difference(p)); });
  expect_same("odpo", odpo(0.3, 0.5), [](const auto& p) {
    return -log_sigmoid(0.3 * log_ratio_difference(p) - 0.5 * log(p.winner_score - p.loser_score));
  });
  expect_same("odpo diff_log", odpo(0.3, 0.5, diff_log{}), [](const auto& p) {
    return -log_sigmoid(0.3 * log_ratio_difference(p) -
                        0.5 * (log(p.winner_score) - log(p.loser_score)));
  });
  expect_same("slic winner", slic(1.0, 0.1), [](const auto& p) {
    return positive_part(1.0 - p.policy_winner + p.policy_loser) - 0.1 * p.policy_winner;
  });
  expect_same("slic target", slic(1.0, target_nll{0.1}), [](const auto& p) {
    return positive_part(1.0 - p.policy_winner + p.policy_loser) - 0.1 * p.policy_target;
  });
  expect_same("ipo", ipo(0.25),
              [](const auto& p) { return square(log_ratio_difference(p) - 2.0); });
  expect_same("cdpo", cdpo(0.3, 0.1), [](const auto& p) {
    const auto m = 0.3 * log_ratio_difference(p);
    return -0.9 * log_sigmoid(m) - 0.1 * log_sigmoid(-m);
  });
  expect_same("robust_dpo", robust_dpo(0.3, 0.1), [](const auto& p) {
    const auto m = 0.3 * log_ratio_difference(p);
    return (-0.9 * log_sigmoid(m) + 0.1 * log_sigmoid(-m)) / 0.8;
  });
  expect_same("simpo", simpo(2.0, 0.7), [](const auto& p) {
    return -log_sigmoid(
        2.0 * (p.policy_winner / p.winner_tokens - p.policy_loser / p.loser_tokens) - 0.7);
  });
}

// A margin loss takes dual numbers too, so losses can be built of losses.
TEST(differentiated, takes_a_margin_loss_as_part_of_a_formula) {
  expect_same("ten times dpo", margin_loss<>{.beta = 0.3},
              [](const auto& p) { return 10.0 * margin_loss<>{.beta = 0.3}(p).value / 10.0; });
}

struct positive_scores {
  template <class Number>
  constexpr Number operator()(const pair_terms<Number>& pair) const {
    return -log_sigmoid(log_ratio_difference(pair) - log(pair.winner_score));
  }
  static constexpr bool accepts(double winner_score, double) { return winner_score > 0; }
};

TEST(differentiated, says_which_scores_its_formula_accepts) {
  EXPECT_FALSE(differentiated{positive_scores{}}.accepts(0.0, 1.0));
  EXPECT_TRUE(differentiated{positive_scores{}}.accepts(1.0, 1.0));
}

}  // namespace
}  // namespace prefopt
