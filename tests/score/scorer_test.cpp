#include <prefopt/score/scorer.hpp>

#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include <prefopt/score/whole_text.hpp>

namespace prefopt {
namespace {

template <scorer Scorer>
double score_of(const Scorer& s) {
  return s("ab", "cde");
}

TEST(Scorer, CallablesAreScorers) {
  EXPECT_EQ(score_of(length_scorer{}), 3.0);
  EXPECT_EQ(score_of([](std::string_view prompt, std::string_view response) {
              return prompt == "ab" && response == "cde" ? 7 : 0;
            }),
            7.0);
  const auto one_text = [](std::string_view) { return 1.0; };
  static_assert(!scorer<decltype(one_text)>);
}

TEST(Scorer, WholeTextJoinsPromptAndResponse) {
  std::string seen;
  const auto inner = [&seen](std::string_view prompt, std::string_view response) {
    seen = std::string(prompt) + "|" + std::string(response);
    return 2.5;
  };
  EXPECT_EQ(score_of(whole_text(inner)), 2.5);
  EXPECT_EQ(seen, "|abcde");
  EXPECT_EQ(score_of(whole_text(length_scorer{})), 5.0);
}

}  // namespace
}  // namespace prefopt
