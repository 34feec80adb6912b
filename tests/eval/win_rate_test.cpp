#include <prefopt/eval/win_rate.hpp>

#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace prefopt {
namespace {

double length(std::string_view, std::string_view response) {
  return static_cast<double>(response.size());
}

const std::vector<comparison> four{
    {"p", "long", "s"}, {"p", "longer", "s"}, {"p", "s", "long"}, {"p", "same", "size"}};

TEST(win_rate, ATieIsHalfAWin) {
  score_judge longer{length};
  const auto result = win_rate(longer, four);
  EXPECT_EQ(result.wins, 2U);
  EXPECT_EQ(result.ties, 1U);
  EXPECT_EQ(result.losses, 1U);
  EXPECT_DOUBLE_EQ(result.rate.mean, 2.5 / 4.0);
  EXPECT_LT(result.rate.low, result.rate.mean);
  EXPECT_GT(result.rate.high, result.rate.mean);
}

TEST(win_rate, BothOrdersCancelAPreferenceForAPlace) {
  auto first_always = [](std::string_view, std::string_view, std::string_view) {
    return verdict::first;
  };
  EXPECT_DOUBLE_EQ(win_rate(first_always, four).rate.mean, 1.0);
  EXPECT_DOUBLE_EQ(win_rate(first_always, four, {.both_orders = true}).rate.mean, 0.5);
  score_judge longer{length};
  EXPECT_DOUBLE_EQ(win_rate(longer, four, {.both_orders = true}).rate.mean, 2.5 / 4.0);
}

TEST(win_rate, OneVerdictAndOneTieIsATie) {
  int asked = 0;
  auto wavering = [&](std::string_view, std::string_view, std::string_view) {
    return asked++ % 2 == 0 ? verdict::first : verdict::tie;
  };
  EXPECT_EQ(win_rate(wavering, four, {.both_orders = true}).ties, 4U);
}

TEST(win_rate, NeedsComparisons) {
  score_judge longer{length};
  EXPECT_THROW(win_rate(longer, {}), usage_error);
}

}  // namespace
}  // namespace prefopt
