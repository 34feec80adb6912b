#include <prefopt/loss/validate.hpp>

#include <limits>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <prefopt/loss/presets.hpp>
#include <prefopt/offset/diff_log.hpp>
#include <prefopt/offset/identity.hpp>

namespace prefopt {
namespace {

using testing::AllOf;
using testing::HasSubstr;

template <class Loss>
void expect_refused(const Loss& loss, double winner, double loser, const char* why) {
  try {
    validate_scores(loss, 17, winner, loser);
    FAIL() << "accepted " << winner << " and " << loser;
  } catch (const score_error& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr("pair 17"), HasSubstr(why)));
    EXPECT_EQ(error.pair(), 17U);
    EXPECT_THAT(error.winner_score(), testing::NanSensitiveDoubleEq(winner));
    EXPECT_THAT(error.loser_score(), testing::NanSensitiveDoubleEq(loser));
  }
}

TEST(validate_scores, names_the_pair_and_both_scores) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double infinity = std::numeric_limits<double>::infinity();
  expect_refused(odpo(0.1), 0.5, 0.5, "a tie");
  expect_refused(odpo(0.1), 0.25, 0.5, "winner score 0.25, loser score 0.5");
  expect_refused(odpo(0.1), 0.25, 0.5, "the winner scores less");
  expect_refused(odpo(0.1), nan, 0.5, "finite");
  expect_refused(odpo(0.1), 0.5, -infinity, "finite");
  expect_refused(odpo(0.1, 1.0, diff_log{}), 0.5, -0.5, "no value");
  expect_refused(odpo(0.1, 1.0, identity{}), infinity, 0.5, "finite");
}

TEST(validate_scores, accepts_what_the_loss_does_not_read) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_NO_THROW(validate_scores(dpo(0.1), 0, nan, nan));
  EXPECT_NO_THROW(validate_scores(odpo(0.1, 0.0), 0, 0.5, 0.5));
  EXPECT_NO_THROW(validate_scores(slic(1.0, 0.1), 0, nan, 0.0));
  EXPECT_NO_THROW(validate_scores([](const auto&) { return 0; }, 0, nan, 0.0));
}

TEST(validate_scores, finds_the_first_bad_pair_of_many) {
  const std::vector<float> winners{3, 2, 1, 1};
  const std::vector<float> losers{1, 1, 1, 2};
  try {
    validate_scores<decltype(odpo(0.1)), float>(odpo(0.1), winners, losers, 100);
    FAIL();
  } catch (const score_error& error) {
    EXPECT_EQ(error.pair(), 102U);
  }
  EXPECT_THROW(
      (validate_scores<decltype(odpo(0.1)), float>(odpo(0.1), winners, std::span(losers).first(2))),
      usage_error);
}

}  // namespace
}  // namespace prefopt
