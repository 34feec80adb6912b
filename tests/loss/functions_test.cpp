#include <prefopt/loss/functions.hpp>

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include <prefopt/loss/pair_terms.hpp>

namespace prefopt {
namespace {

TEST(functions, sigmoid_and_its_log_are_exact_in_both_tails) {
  EXPECT_DOUBLE_EQ(sigmoid(1.5), 1 / (1 + std::exp(-1.5)));
  EXPECT_DOUBLE_EQ(sigmoid(-700.0), std::exp(-700.0));
  EXPECT_EQ(sigmoid(1e6), 1.0);
  EXPECT_DOUBLE_EQ(log_sigmoid(1.5), -std::log(1 + std::exp(-1.5)));
  EXPECT_DOUBLE_EQ(log_sigmoid(700.0), -std::exp(-700.0));
  EXPECT_EQ(log_sigmoid(-1e6), -1e6);
  EXPECT_FLOAT_EQ(log_sigmoid(-2.0F), static_cast<float>(-std::log(1 + std::exp(2.0))));
}

TEST(functions, positive_part_keeps_nan) {
  EXPECT_EQ(positive_part(2.0), 2.0);
  EXPECT_EQ(positive_part(-2.0), 0.0);
  EXPECT_TRUE(std::isnan(positive_part(std::numeric_limits<double>::quiet_NaN())));
}

TEST(functions, log_ratio_difference_is_0_for_the_reference_itself) {
  const pair_terms<double> pair{.policy_winner = -10.25,
                                .policy_loser = -3.7,
                                .reference_winner = -12,
                                .reference_loser = -4};
  EXPECT_DOUBLE_EQ(log_ratio_difference(pair), 1.75 - 0.3);
  const pair_terms<double> same{.policy_winner = -0.1,
                                .policy_loser = -0.7,
                                .reference_winner = -0.1,
                                .reference_loser = -0.7};
  EXPECT_EQ(log_ratio_difference(same), 0.0);
}

}  // namespace
}  // namespace prefopt
