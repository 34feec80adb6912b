#include <prefopt/eval/win_rate.hpp>

#include <set>
#include <string>
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

verdict first_always(std::string_view, std::string_view, std::string_view) {
  return verdict::first;
}

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
  EXPECT_DOUBLE_EQ(win_rate(first_always, four).rate.mean, 1.0);
  EXPECT_DOUBLE_EQ(win_rate(first_always, four, {.order = judge_order::both}).rate.mean, 0.5);
  score_judge longer{length};
  EXPECT_DOUBLE_EQ(win_rate(longer, four, {.order = judge_order::both}).rate.mean, 2.5 / 4.0);
}

TEST(win_rate, RandomOrderBelongsToTheSeed) {
  const std::vector<comparison> many(400, comparison{"p", "x", "y"});
  const auto one = win_rate(first_always, many, {.order = judge_order::random, .seed = 1});
  EXPECT_NEAR(one.rate.mean, 0.5, 0.1);  // a preference for the place says nothing of the systems
  EXPECT_EQ(one.wins, win_rate(first_always, many, {.order = judge_order::random, .seed = 1}).wins);
  EXPECT_NE(one.wins, win_rate(first_always, many, {.order = judge_order::random, .seed = 2}).wins);
  score_judge longer{length};
  for (const std::uint64_t seed : {1U, 2U, 3U}) {  // and one for the response is not turned round
    EXPECT_EQ(win_rate(longer, four, {.order = judge_order::random, .seed = seed}).wins, 2U);
  }
}

TEST(win_rate, OneVerdictAndOneTieIsATie) {
  int asked = 0;
  auto wavering = [&](std::string_view, std::string_view, std::string_view) {
    return asked++ % 2 == 0 ? verdict::first : verdict::tie;
  };
  EXPECT_EQ(win_rate(wavering, four, {.order = judge_order::both}).ties, 4U);
}

TEST(win_rate, WhatCannotBeReadIsCountedApart) {
  auto mumbling = [](std::string_view, std::string_view first, std::string_view) {
    return first == "longer" || first == "same" ? verdict::unparsed : verdict::first;
  };
  const auto result = win_rate(mumbling, four);
  EXPECT_EQ(result.unparsed, 2U);
  EXPECT_EQ(result.wins, 2U);
  EXPECT_EQ(result.rate.count, 2U);
  EXPECT_DOUBLE_EQ(result.rate.mean, 1.0);
  EXPECT_EQ(win_rate(mumbling, four, {.order = judge_order::both}).unparsed, 2U);
  auto never = [](std::string_view, std::string_view, std::string_view) {
    return verdict::unparsed;
  };
  EXPECT_EQ(win_rate(never, four).rate.count, 0U);
}

/// Notes how it was asked.
struct batch_of_lengths {
  std::size_t calls = 0;
  std::size_t asked = 0;
  verdict operator()(std::string_view, std::string_view first, std::string_view second) {
    return score_judge{length}("", first, second);
  }
  std::vector<verdict> operator()(std::span<const comparison> comparisons) {
    ++calls;
    std::vector<verdict> said;
    for (const auto& c : comparisons) said.push_back((*this)(c.prompt, c.first, c.second));
    asked += said.size();
    return said;
  }
};
static_assert(batch_judge<batch_of_lengths>);
static_assert(!batch_judge<score_judge<decltype(&length)>>);

TEST(win_rate, ABatchJudgeIsAskedOnce) {
  batch_of_lengths better;
  EXPECT_DOUBLE_EQ(win_rate(better, four, {.order = judge_order::both}).rate.mean, 2.5 / 4.0);
  EXPECT_EQ(better.calls, 1U);
  EXPECT_EQ(better.asked, 8U);
}

TEST(win_rate, NeedsComparisons) {
  score_judge longer{length};
  EXPECT_THROW(win_rate(longer, {}), usage_error);
}

}  // namespace
}  // namespace prefopt
