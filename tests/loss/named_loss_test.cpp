#include <prefopt/loss/named_loss.hpp>

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <prefopt/core/error.hpp>
#include <prefopt/loss/presets.hpp>
#include <prefopt/offset/diff_log.hpp>
#include <prefopt/offset/identity.hpp>

namespace prefopt {
namespace {

const pair_terms<double> all_terms{.policy_winner = -20,
                                   .policy_loser = -25,
                                   .reference_winner = -21,
                                   .reference_loser = -23,
                                   .winner_score = 1.5,
                                   .loser_score = 0.25,
                                   .winner_tokens = 4,
                                   .loser_tokens = 5};

TEST(named_loss, gives_the_preset_of_that_name) {
  const auto value = [](const loss_settings& settings) {
    return named_loss(settings)(all_terms).value;
  };
  EXPECT_DOUBLE_EQ(value({.method = "dpo", .beta = 0.3}), dpo(0.3)(all_terms).value);
  EXPECT_DOUBLE_EQ(value({.method = "odpo", .offset = "identity", .alpha = 0.5, .beta = 0.3}),
                   odpo(0.3, 0.5, identity{})(all_terms).value);
  EXPECT_DOUBLE_EQ(value({.method = "odpo", .offset = "diff-log", .alpha = 2, .beta = 0.3}),
                   odpo(0.3, 2, diff_log{})(all_terms).value);
  EXPECT_DOUBLE_EQ(value({.method = "slic", .margin = 9, .lambda = 0.25}),
                   slic(9, 0.25)(all_terms).value);
  EXPECT_DOUBLE_EQ(value({.method = "simpo", .beta = 2, .margin = 1}),
                   simpo(2, 1)(all_terms).value);
  EXPECT_DOUBLE_EQ(value({.method = "cdpo", .beta = 0.3, .epsilon = 0.2}),
                   cdpo(0.3, 0.2)(all_terms).value);
  EXPECT_DOUBLE_EQ(value({.method = "softmax-margin", .offset = "identity", .beta = 2}),
                   softmax_margin(identity{}, 2)(all_terms).value);
}

TEST(named_loss, makes_a_loss_of_every_name_with_every_offset) {
  for (const std::string& method : loss_names()) {
    for (const std::string& offset : offset_names()) {
      const auto gradient = named_loss({.method = method, .offset = offset})(all_terms);
      EXPECT_LE(gradient.winner, 0) << method << ' ' << offset;
      EXPECT_GE(gradient.loser, 0) << method << ' ' << offset;
    }
  }
}

TEST(named_loss, refuses_unknown_names_and_lists_the_known_ones) {
  try {
    (void)named_loss({.method = "ppo"});
    FAIL();
  } catch (const usage_error& problem) {
    EXPECT_THAT(problem.what(), testing::HasSubstr("'ppo'"));
    EXPECT_THAT(problem.what(), testing::HasSubstr("odpo"));
  }
  EXPECT_THROW((void)named_loss({.method = "odpo", .offset = "square"}), usage_error);
  EXPECT_THROW((void)named_loss({.method = "dpo", .beta = 0}), usage_error);
  EXPECT_THROW((void)named_loss({.method = "odpo", .alpha = -1}), usage_error);
  EXPECT_THROW((void)named_loss({.method = "slic", .lambda = -0.1}), usage_error);
  EXPECT_THROW((void)named_loss({.method = "slic", .margin = -1}), usage_error);
}

}  // namespace
}  // namespace prefopt
