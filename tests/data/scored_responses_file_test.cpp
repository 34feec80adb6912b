#include <prefopt/data/scored_responses_file.hpp>

#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "support/damage.hpp"
#include "support/data.hpp"
#include "support/temporary_folder.hpp"

namespace prefopt {
namespace {

class scored_responses : public testing::Test {
 protected:
  std::vector<scored_response> read(const std::string& bytes) {
    test::write_plainly(path_, bytes);
    return read_scored_responses(path_);
  }
  void refused(const std::string& bytes, const std::string& words) {
    test::expect_error<data_error>([&] { read(bytes); }, words);
  }
  test::temporary_folder folder_;
  std::filesystem::path path_ = folder_ / "responses.jsonl";
};

TEST_F(scored_responses, rows) {
  const auto all = read(
      "{\"prompt\":\"p\",\"text\":\"t\",\"reward\":1.5}\n"
      "{\"prompt\":\"p\",\"text\":\"\",\"reward\":0,\"tokens\":[3,0,2147483647]}\n");
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].prompt, "p");
  EXPECT_EQ(all[0].text, "t");
  EXPECT_EQ(all[0].score, 1.5);
  EXPECT_TRUE(all[0].tokens.empty());
  EXPECT_EQ(all[1].tokens, (token_sequence{3, 0, 2147483647}));
}

TEST_F(scored_responses, what_is_refused) {
  refused("{\"prompt\":\"p\",\"text\":\"t\"}", "jsonl:1: field 'reward': is missing");
  refused("{\"prompt\":\"p\",\"text\":\"t\",\"reward\":\"good\"}",
          "field 'reward': expected a number");
  refused("{\"prompt\":\"p\",\"reward\":1}", "field 'text': is missing");
  refused("{\"text\":\"p\",\"reward\":1}", "field 'prompt': is missing");
  for (const char* tokens : {"3", "[-1]", "[1.5]", "[2147483648]", "[\"a\"]"}) {
    refused("{\"prompt\":\"p\",\"text\":\"t\",\"reward\":1,\"tokens\":" + std::string(tokens) + "}",
            "jsonl:1: field 'tokens'");
  }
}

TEST_F(scored_responses, what_is_written_is_read_back) {
  const std::vector<scored_response> all{{"p\n", "t\xC3\xA9", 0.1, {}}, {"q", "", -3.0, {5, 6}}};
  for (const char* name : {"a.jsonl", "a.jsonl.zst"}) {
    write_scored_responses(folder_ / name, all);
    const auto back = read_scored_responses(folder_ / name);
    ASSERT_EQ(back.size(), 2U);
    for (std::size_t i = 0; i < 2; ++i) {
      EXPECT_EQ(back[i].prompt, all[i].prompt);
      EXPECT_EQ(back[i].text, all[i].text);
      EXPECT_EQ(back[i].score, all[i].score);
      EXPECT_EQ(back[i].tokens, all[i].tokens);
    }
  }
}

TEST_F(scored_responses, without_a_score_is_not_written) {
  const std::vector<scored_response> unscored{{"p", "t", 0.1, {}},
                                              scored_response{"q", "u", NAN, {}}};
  test::expect_error<data_error>([&] { write_scored_responses(path_, unscored); },
                                 "jsonl:2: field 'reward'");
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(scored_responses, the_authors_files) {
  const auto sentiment = test::real_data("sentiment/imdb-sft-test.jsonl");
  PREFOPT_SKIP_WITHOUT(sentiment, "the authors' scored IMDB responses");
  EXPECT_EQ(read_scored_responses(*sentiment).size(), 2560U);
  const auto toxicity = test::real_data("toxicity/toxicity-sft-test-reward.jsonl");
  PREFOPT_SKIP_WITHOUT(toxicity, "the authors' scored toxicity responses");
  EXPECT_EQ(read_scored_responses(*toxicity).size(), 1280U);
}

}  // namespace
}  // namespace prefopt
