#include <prefopt/eval/judge_prompt.hpp>

#include <string>

#include <gtest/gtest.h>

#include "support/damage.hpp"
#include "support/temporary_folder.hpp"

namespace prefopt {
namespace {

TEST(judge_prompt, TheDefaultHasEverything) {
  const std::string asked = judge_prompt()("the post", "one", "two");
  EXPECT_NE(asked.find("Post:\nthe post\n"), std::string::npos) << asked;
  EXPECT_NE(asked.find("Summary A:\none\n"), std::string::npos);
  EXPECT_NE(asked.find("Summary B:\ntwo\n"), std::string::npos);
  EXPECT_NE(asked.find("Preferred: A or B"), std::string::npos);
  EXPECT_EQ(asked.find('<'), std::string::npos);
}

TEST(judge_prompt, PlacesMayRepeatAndAreNotFilledTwice) {
  const judge_prompt question("<summary_b>|<post>|<summary_a>|<post>|<one-sentence>");
  EXPECT_EQ(question("<summary_a>", "<post>", "b"),
            "b|<summary_a>|<post>|<summary_a>|<one-sentence>");
}

TEST(judge_prompt, FromAFile) {
  const test::temporary_folder folder;
  test::write_plainly(folder / "q.txt", "<post>: <summary_a> or <summary_b>?");
  EXPECT_EQ(judge_prompt::load(folder / "q.txt")("p", "x", "y"), "p: x or y?");
  test::write_plainly(folder / "q.txt", "<post> <summary_a>");
  test::expect_error<usage_error>([&] { static_cast<void>(judge_prompt::load(folder / "q.txt")); },
                                  "<summary_b>");
  test::expect_error<data_error>(
      [&] { static_cast<void>(judge_prompt::load(folder / "none.txt")); }, "none.txt");
  test::write_plainly(folder / "q.txt", std::string(2U << 20U, 'x'));
  test::expect_error<data_error>([&] { static_cast<void>(judge_prompt::load(folder / "q.txt")); },
                                 "1 MiB");
}

TEST(parse_judgement, Choices) {
  for (const char* answer :
       {"Comparison: B forgets the point.\nPreferred: A", "preferred: \"a\"", "**Preferred:** A\n",
        "Comparison: x\n\nPreferred:\nA", "Preferred: <A>.", "Preferred: Summary A",
        "A is shorter.\nA", "**A**", "Preferred: A\nThank you for asking.",
        "Preferred: B\nNo, wait.\nPreferred: A", "Preferred: (A)\r\n"}) {
    EXPECT_EQ(parse_judgement(answer), verdict::first) << answer;
  }
  EXPECT_EQ(parse_judgement("Comparison: A is long.\nPreferred: B"), verdict::second);
  EXPECT_EQ(parse_judgement("Preferred: tie"), verdict::tie);
  EXPECT_EQ(parse_judgement("Preferred: Neither."), verdict::tie);
}

TEST(parse_judgement, NoGuesses) {
  for (const char* answer :
       {"", "\n\n", "Preferred:", "Preferred: A or B", "I cannot help with that.",
        "Summary A is better than summary B.", "Preferred: C", "Comparison: A.", "A\nor maybe B",
        "Preferred: AB", "unpreferred: A"}) {
    EXPECT_EQ(parse_judgement(answer), verdict::unparsed) << answer;
  }
}

}  // namespace
}  // namespace prefopt
