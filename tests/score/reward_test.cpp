#include <prefopt/score/reward.hpp>

#include <cmath>

#include <gtest/gtest.h>

namespace prefopt {
namespace {

TEST(Reward, FormsOfThePaper) {
  EXPECT_EQ(reward(reward_form::paper, 0.0), 0.0);
  EXPECT_EQ(reward(reward_form::paper, 0.25), 0.25);  // 1 - p(negative)
  EXPECT_EQ(reward(reward_form::paper, 0.5), 1.5);
  EXPECT_EQ(reward(reward_form::paper, 0.75), 1.75);
  EXPECT_EQ(reward(reward_form::paper, 1.0), 2.0);
  EXPECT_EQ(reward(reward_form::probability, 0.75), 0.75);
}

TEST(Reward, WhatIsNoProbabilityIsRefused) {
  EXPECT_THROW(reward(reward_form::paper, -0.01), usage_error);
  EXPECT_THROW(reward(reward_form::paper, 1.01), usage_error);
  EXPECT_THROW(reward(reward_form::probability, std::nan("")), usage_error);
}

TEST(Reward, Names) {
  EXPECT_EQ(reward_form_named("paper"), reward_form::paper);
  EXPECT_EQ(reward_form_named("probability"), reward_form::probability);
  EXPECT_FALSE(reward_form_named("p"));
}

}  // namespace
}  // namespace prefopt
