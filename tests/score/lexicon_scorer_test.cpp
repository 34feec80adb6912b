#include <prefopt/score/lexicon_scorer.hpp>

#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include <gtest/gtest.h>

#include <prefopt/core/error.hpp>

#include "support/data.hpp"
#include "support/temporary_folder.hpp"

namespace prefopt {
namespace {

/// Every sentence has the compound valence that the package vaderSentiment gives it (rounded to
/// four digits there).
void check_sentences(const lexicon_scorer& scorer) {
  std::ifstream file(test::golden("score/vader.tsv"));
  std::string line;
  std::size_t count = 0;
  while (std::getline(file, line)) {
    const std::size_t tab = line.find('\t');
    ASSERT_NE(tab, std::string::npos);
    const std::string sentence = line.substr(tab + 1);
    const double expected = std::stod(line.substr(0, tab));
    EXPECT_NEAR(scorer.compound(sentence), expected, 0.5001e-4) << sentence;
    EXPECT_NEAR(scorer("", sentence), (expected + 1.0) / 2.0, 0.5001e-4);
    ++count;
  }
  EXPECT_GT(count, 300U);
}

TEST(LexiconScorer, EqualsVaderOnItsSentences) {
  check_sentences(lexicon_scorer(read_valence_lexicon(test::golden("score/vader_lexicon.txt")),
                                 read_emoji_names(test::golden("score/vader_emojis.txt"))));
}

TEST(LexiconScorer, EqualsVaderWithTheWholeLexicon) {
  const char* cache = std::getenv("PREFOPT_CACHE");
  const char* home = std::getenv("HOME");
  const std::filesystem::path folder =
      cache != nullptr ? std::filesystem::path(cache)
                       : std::filesystem::path(home != nullptr ? home : ".") / ".cache" / "prefopt";
  if (!std::filesystem::exists(folder / "vader_lexicon.txt")) {
    GTEST_SKIP() << "SKIPPED: VADER's lexicon is not on this machine; scripts/fetch_models";
  }
  check_sentences(lexicon_scorer(read_valence_lexicon(folder / "vader_lexicon.txt"),
                                 read_emoji_names(test::golden("score/vader_emojis.txt"))));
}

TEST(LexiconScorer, WorksWithAnyLexiconOfTheFormat) {
  const lexicon_scorer scorer(valence_lexicon{{"grand", 2.0}, {"dire", -2.0}});
  EXPECT_EQ(scorer("", ""), 0.5);
  EXPECT_EQ(scorer("grand", "nothing of it"), 0.5);  // the response alone counts
  EXPECT_DOUBLE_EQ(scorer.compound("grand"), 2.0 / std::sqrt(19.0));
  EXPECT_DOUBLE_EQ(scorer.compound("grand"), -scorer.compound("dire"));
  const std::string hostile("\xff\xc3\0grand\xe2\x80", 10);
  EXPECT_GE(scorer("", hostile), 0.0);
  EXPECT_LE(scorer("", std::string(100000, '!') + " grand"), 1.0);
}

class lexicon_file : public testing::Test {
 protected:
  std::string problem_of(const std::string& text) {
    std::ofstream(path_, std::ios::binary) << text;
    try {
      static_cast<void>(read_valence_lexicon(path_));
    } catch (const data_error& e) {
      return e.what();
    }
    return "";
  }

  const test::temporary_folder folder_;  // tests run side by side
  const std::filesystem::path path_ = folder_ / "lexicon.txt";
};

TEST_F(lexicon_file, TwoFieldsAreEnoughAndBlankLinesAreSkipped) {
  EXPECT_EQ(problem_of("good\t1.9\r\n\n \nbad\t-2.5\t0.6\t[-3, -2]\nbad\t-1\n"), "");
  const auto words = read_valence_lexicon(path_);
  EXPECT_EQ(words.size(), 2U);
  EXPECT_EQ(words.find("good")->second, 1.9);
  EXPECT_EQ(words.find("bad")->second, -1.0);
}

TEST_F(lexicon_file, MalformedLinesAreNamed) {
  EXPECT_NE(problem_of("good\t1.9\nbad -2.5\n").find(":2: has no tab"), std::string::npos);
  EXPECT_NE(problem_of("good\tx\n").find(":1: field 'mean'"), std::string::npos);
  EXPECT_NE(problem_of("good\t1.9x\t\n").find("1.9x"), std::string::npos);
  for (const char* valence : {"inf", "nan", "1e308", "-1000001"}) {
    const auto problem = problem_of("good\t" + std::string(valence) + "\n");
    EXPECT_NE(problem.find("expected a number of at most a million"), std::string::npos) << problem;
  }
  EXPECT_NE(problem_of("good\t\t1\n").find("mean"), std::string::npos);
  EXPECT_NE(problem_of("").find("no words"), std::string::npos);
  EXPECT_THROW(read_valence_lexicon(path_.parent_path()), data_error);
  EXPECT_THROW(read_valence_lexicon("no/such/file"), data_error);
}

}  // namespace
}  // namespace prefopt
