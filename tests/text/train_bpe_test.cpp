#include <prefopt/text/train_bpe.hpp>

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <prefopt/text/byte_level_bpe.hpp>

#include "support/data.hpp"
#include "support/json_file.hpp"

namespace prefopt {
namespace {

TEST(train_bpe, LearnsWhatTokenizersLearns) {
  const auto golden = test::json_file(test::golden("text/train_bpe.json"));
  const auto texts = golden["texts"].get<std::vector<std::string>>();
  const auto learnt = train_bpe(texts, golden["vocabulary"].size());
  EXPECT_EQ(learnt.vocabulary, golden["vocabulary"].get<std::vector<std::string>>());
  const auto merges = golden["merges"].get<std::vector<std::pair<std::string, std::string>>>();
  EXPECT_GT(merges.size(), 90U);
  EXPECT_EQ(learnt.merges, merges);
}

TEST(train_bpe, MakesATokenizerOfAnyBytes) {
  const std::vector<std::string> texts{"a good film, a good film", "a bad film"};
  const byte_level_bpe tokenizer(train_bpe(texts, 300));
  EXPECT_EQ(tokenizer.encode(" film").size(), 1U);
  EXPECT_EQ(tokenizer.end_token(), 0);
  for (const std::string text : {"a good film", "never seen \xF0\x9F\x8E\xAC \xFF", ""}) {
    EXPECT_EQ(tokenizer.decode(tokenizer.encode(text)), text);
  }
}

TEST(train_bpe, StopsWhereNothingIsFrequent) {
  const std::vector<std::string> texts{"abcd"};
  EXPECT_EQ(train_bpe(texts, 400).vocabulary.size(), 257U);
  EXPECT_EQ(train_bpe(texts, 400, {.least_count = 1}).vocabulary.size(), 260U);
  EXPECT_EQ(train_bpe({}, 400).vocabulary.size(), 257U);
  EXPECT_THROW(train_bpe(texts, 256), usage_error);
}

}  // namespace
}  // namespace prefopt
