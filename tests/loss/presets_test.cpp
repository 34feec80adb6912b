#include <prefopt/loss/presets.hpp>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numbers>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "loss/every_loss.hpp"
#include "loss/random_pairs.hpp"

namespace prefopt {
namespace {

using test::random_pair;

const pair_terms<double> sample{.policy_winner = -10,
                                .policy_loser = -12,
                                .reference_winner = -11,
                                .reference_loser = -10,
                                .winner_score = 3,
                                .loser_score = 1,
                                .winner_tokens = 4,
                                .loser_tokens = 8,
                                .policy_target = -7};  // h = 1 - -2 = 3

double softplus(double x) {
  return std::log(1 + std::exp(x));
}

TEST(presets, closed_forms) {
  EXPECT_DOUBLE_EQ(dpo(0.5)(sample).value, softplus(-1.5));
  EXPECT_DOUBLE_EQ(odpo(0.5)(sample).value, softplus(-1.5 + std::log(2.0)));
  EXPECT_DOUBLE_EQ(odpo(0.5, 0.25, identity{})(sample).value, softplus(-1.5 + 0.5));
  EXPECT_DOUBLE_EQ(odpo(0.5, 2.0, diff_log{})(sample).value, softplus(-1.5 + 2 * std::log(3.0)));
  EXPECT_DOUBLE_EQ(slic(3.0, 0.1)(sample).value, 3.0 - 2.0 + 0.1 * 10.0);
  EXPECT_DOUBLE_EQ(slic(3.0, target_nll{0.1})(sample).value, 3.0 - 2.0 + 0.1 * 7.0);
  EXPECT_DOUBLE_EQ(slic(1.0, no_regularizer{})(sample).value, 0.0);
  EXPECT_DOUBLE_EQ(ipo(0.25)(sample).value, (3.0 - 2.0) * (3.0 - 2.0));
  EXPECT_DOUBLE_EQ(cdpo(0.5, 0.2)(sample).value, 0.8 * softplus(-1.5) + 0.2 * softplus(1.5));
  EXPECT_DOUBLE_EQ(robust_dpo(0.5, 0.2)(sample).value,
                   (0.8 * softplus(-1.5) - 0.2 * softplus(1.5)) / 0.6);
  EXPECT_DOUBLE_EQ(rso(0.2)(sample).value, 1 - 0.6);
  EXPECT_DOUBLE_EQ(rso(0.5)(sample).value, 0.0);
  EXPECT_DOUBLE_EQ(simpo(2.0, 0.5)(sample).value, softplus(-(2 * (-2.5 + 1.5) - 0.5)));
  EXPECT_DOUBLE_EQ(softmax_margin(identity{}, 0.5)(sample).value, softplus(-1.5 + 2.0));
}

TEST(presets, take_terms_in_braces) {
  EXPECT_DOUBLE_EQ(dpo(0.5)({.policy_winner = -3, .policy_loser = -4}).value, softplus(-0.5));
}

TEST(presets, softmax_margin_has_no_cost_below_0) {
  pair_terms<double> inverted = sample;
  std::swap(inverted.winner_score, inverted.loser_score);
  EXPECT_EQ(softmax_margin(identity{}, 0.5)(inverted).value, dpo(0.5)(sample).value);
}

TEST(presets, robust_dpo_is_dpo_on_average_over_the_label_noise) {
  const double epsilon = 0.2;
  const auto loss = robust_dpo(0.5, epsilon);
  pair_terms<double> flipped = sample;
  std::swap(flipped.policy_winner, flipped.policy_loser);
  std::swap(flipped.reference_winner, flipped.reference_loser);
  EXPECT_NEAR((1 - epsilon) * loss(sample).value + epsilon * loss(flipped).value,
              dpo(0.5)(sample).value, 1e-14);
}

template <class Real>
void expect_same_bits(const pair_gradient<Real>& a, const pair_gradient<Real>& b) {
  using bits = std::conditional_t<sizeof(Real) == 4, std::uint32_t, std::uint64_t>;
  EXPECT_EQ(std::bit_cast<bits>(a.value), std::bit_cast<bits>(b.value));
  EXPECT_EQ(std::bit_cast<bits>(a.winner), std::bit_cast<bits>(b.winner));
  EXPECT_EQ(std::bit_cast<bits>(a.loser), std::bit_cast<bits>(b.loser));
}

TEST(presets, odpo_without_an_offset_is_dpo_bit_for_bit) {
  random_stream stream(1);
  for (int i = 0; i < 2000; ++i) {
    pair_terms<double> pair = random_pair(stream);
    if (i % 3 == 0) pair.winner_score = pair.loser_score;  // a tie
    if (i % 7 == 0) pair.winner_score = std::numeric_limits<double>::quiet_NaN();
    const auto single = test::converted<float>(pair);
    expect_same_bits(odpo(0.1, 0.0)(pair), dpo(0.1)(pair));
    expect_same_bits(odpo(0.1, 1.0, no_offset{})(pair), dpo(0.1)(pair));
    expect_same_bits(odpo(0.1, 0.0, diff_log{})(single), dpo(0.1)(single));
    expect_same_bits(odpo(0.1, 1.0, no_offset{})(single), dpo(0.1)(single));
  }
}

TEST(presets, dpo_of_the_reference_itself_is_log_2_exactly) {
  random_stream stream(2);
  for (int i = 0; i < 100; ++i) {
    pair_terms<double> pair = random_pair(stream);
    pair.reference_winner = pair.policy_winner;
    pair.reference_loser = pair.policy_loser;
    EXPECT_EQ(dpo(0.1)(pair).value, std::numbers::ln2);
    EXPECT_EQ(dpo(0.1)(test::converted<float>(pair)).value, std::numbers::ln2_v<float>);
    EXPECT_EQ(dpo(0.1)(pair).winner, -0.05);
  }
}

TEST(presets, are_stable_at_a_million) {
  for (const double h : {1e6, -1e6}) {
    test::for_every_loss([&](const char* name, const auto& loss) {
      pair_terms<double> pair = sample;
      pair.policy_winner = h;
      const auto result = loss(pair);
      EXPECT_TRUE(std::isfinite(result.value)) << name << " at " << h;
      EXPECT_TRUE(std::isfinite(result.winner)) << name << " at " << h;
      EXPECT_TRUE(std::isfinite(result.loser)) << name << " at " << h;
      const auto single = loss(test::converted<float>(pair));
      EXPECT_NEAR(single.value, result.value, 1e-6 * std::abs(result.value)) << name << " at " << h;
      EXPECT_NEAR(single.winner, result.winner, 1e-6 * std::abs(result.winner)) << name;
    });
  }
  pair_terms<double> pair{.policy_winner = -1e6};
  EXPECT_EQ(dpo(1.0)(pair).value, 1e6);
  EXPECT_EQ(dpo(1.0)(pair).winner, -1.0);
  pair.policy_winner = 1e6;
  EXPECT_EQ(dpo(1.0)(pair).value, 0.0);
  EXPECT_EQ(dpo(1.0)(pair).winner, 0.0);
}

TEST(presets, are_finite_for_scores_a_hair_apart) {
  pair_terms<double> pair = sample;
  pair.winner_score = 2e-30;
  pair.loser_score = 1e-30;
  test::for_every_loss([&](const char* name, const auto& loss) {
    EXPECT_TRUE(std::isfinite(loss(pair).value)) << name;
    EXPECT_TRUE(std::isfinite(loss(test::converted<float>(pair)).value)) << name;
  });
}

/// Central differences in each of the policy's log-probs.
TEST(presets, derivatives_are_those_of_finite_differences) {
  random_stream stream(3);
  for (int i = 0; i < 200; ++i) {
    const pair_terms<double> pair = random_pair(stream);
    test::for_every_loss([&](const char* name, const auto& loss) {
      const auto difference = [&](double pair_terms<double>::*term) {
        constexpr double step = 1e-5;
        pair_terms<double> above = pair;
        pair_terms<double> below = pair;
        above.*term += step;
        below.*term -= step;
        return (loss(above).value - loss(below).value) / (2 * step);
      };
      const auto result = loss(pair);
      const double tolerance = 1e-6 * (1 + std::abs(result.value));
      EXPECT_NEAR(result.winner, difference(&pair_terms<double>::policy_winner), tolerance) << name;
      EXPECT_NEAR(result.loser, difference(&pair_terms<double>::policy_loser), tolerance) << name;
      EXPECT_NEAR(result.target, difference(&pair_terms<double>::policy_target), tolerance) << name;
    });
  }
}

TEST(presets, in_float_agree_with_double) {
  random_stream stream(4);
  for (int i = 0; i < 500; ++i) {
    // From floats, so that both see the same numbers.
    const auto single = test::converted<float>(random_pair(stream));
    const auto pair =
        pair_terms<double>{single.policy_winner,   single.policy_loser, single.reference_winner,
                           single.reference_loser, single.winner_score, single.loser_score,
                           single.winner_tokens,   single.loser_tokens, single.policy_target};
    test::for_every_loss([&](const char* name, const auto& loss) {
      const auto want = loss(pair);
      const auto got = loss(single);
      // Differences of log-probs around 100 lose a few of 24 bits.
      EXPECT_NEAR(got.value, want.value, 2e-5 * (1 + std::abs(want.value))) << name;
      EXPECT_NEAR(got.winner, want.winner, 2e-5 * (1 + std::abs(want.winner))) << name;
      EXPECT_NEAR(got.loser, want.loser, 2e-5 * (1 + std::abs(want.loser))) << name;
      EXPECT_NEAR(got.target, want.target, 1e-6) << name;
    });
  }
}

TEST(presets, refuse_settings_that_cannot_work) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THROW((void)dpo(0), usage_error);
  EXPECT_THROW((void)dpo(-1), usage_error);
  EXPECT_THROW((void)dpo(nan), usage_error);
  EXPECT_THROW((void)odpo(0.1, nan), usage_error);
  EXPECT_THROW((void)ipo(0), usage_error);
  EXPECT_THROW((void)cdpo(0.1, 0.5), usage_error);
  EXPECT_THROW((void)robust_dpo(0.1, -0.1), usage_error);
  EXPECT_THROW((void)slic(nan, 0.1), usage_error);
  EXPECT_THROW((void)simpo(1, std::numeric_limits<double>::infinity()), usage_error);
  try {
    (void)dpo(-1);
  } catch (const usage_error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("beta must be positive, but is -1"));
  }
}

}  // namespace
}  // namespace prefopt
