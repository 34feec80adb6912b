#include <prefopt/score/word_ngrams.hpp>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace prefopt {
namespace {

std::vector<std::uint32_t> buckets(const std::string& text, std::size_t longest = 2) {
  std::vector<std::uint32_t> result;
  word_ngrams(24, longest)(text, result);
  return result;
}

TEST(WordNgrams, CountsDistinctNgrams) {
  EXPECT_EQ(buckets("").size(), 0U);
  EXPECT_EQ(buckets("good").size(), 1U);
  EXPECT_EQ(buckets("a b c").size(), 5U);       // a, b, c, ab, bc
  EXPECT_EQ(buckets("a b a b").size(), 4U);     // a, b, ab, ba
  EXPECT_EQ(buckets("a b c d", 3).size(), 9U);  // and abc, bcd
  EXPECT_EQ(buckets("a b c d", 1).size(), 4U);
  EXPECT_NE(buckets("a b"), buckets("b a"));  // order within a bigram counts
}

TEST(WordNgrams, CaseLineBreaksAndPunctuation) {
  EXPECT_EQ(buckets("Good FILM"), buckets("good, film."));
  EXPECT_EQ(buckets("good<br /><br />film"), buckets("good film"));
  EXPECT_NE(buckets("good film"), buckets("goodfilm"));
  EXPECT_NE(buckets("good"), buckets("good!"));
  EXPECT_EQ(buckets("isn't").size(), 1U);
  EXPECT_EQ(buckets("caf\xc3\xa9").size(), 1U);
  EXPECT_EQ(buckets("<br").size(), 1U);  // a cut-off tag is a word like others
}

TEST(WordNgrams, BucketsAreInRangeSortedAndSpread) {
  std::string text;
  for (int i = 0; i < 2000; ++i) text += "w" + std::to_string(i) + " ";
  std::vector<std::uint32_t> result;
  word_ngrams(12, 2)(text, result);
  EXPECT_TRUE(std::is_sorted(result.begin(), result.end()));
  EXPECT_LT(result.back(), 4096U);
  // 3999 n-grams in 4096 buckets: 1 - 1/e^(3999/4096) of them are expected to be hit.
  EXPECT_NEAR(static_cast<double>(result.size()), 4096.0 * 0.6233, 100.0);
}

}  // namespace
}  // namespace prefopt
