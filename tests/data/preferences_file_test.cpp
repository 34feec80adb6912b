#include <prefopt/data/preferences_file.hpp>

#include <cmath>
#include <filesystem>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <prefopt/core/random.hpp>
#include <prefopt/data/json_row.hpp>

#include "support/damage.hpp"
#include "support/data.hpp"
#include "support/temporary_folder.hpp"

namespace prefopt {
namespace {

class preferences : public testing::Test {
 protected:
  std::vector<preference_pair> read(const std::string& bytes) {
    test::write_plainly(path_, bytes);
    return read_preferences(path_);
  }
  void refused(const std::string& bytes, const std::string& words) {
    test::expect_error<data_error>([&] { read(bytes); }, words);
  }
  test::temporary_folder folder_;
  std::filesystem::path path_ = folder_ / "pairs.jsonl";
};

TEST_F(preferences, rows) {
  const auto pairs = read(
      "{\"prompt\":\"p\",\"chosen\":\"c\",\"rejected\":\"r\",\"id\":[1]}\n"
      "{\"score_chosen\":2,\"score_rejected\":-0.5,\"rejected\":\"\",\"chosen\":\"c\",\"prompt\":"
      "\"\"}\n"
      "{\"prompt\":\"p\",\"chosen\":\"c\",\"rejected\":\"r\",\"score_chosen\":null}\n");
  ASSERT_EQ(pairs.size(), 3U);
  EXPECT_EQ(pairs[0].prompt, "p");
  EXPECT_EQ(pairs[0].chosen, "c");
  EXPECT_EQ(pairs[0].rejected, "r");
  EXPECT_FALSE(pairs[0].score_chosen);
  EXPECT_EQ(pairs[1].score_chosen, 2.0);
  EXPECT_EQ(pairs[1].score_rejected, -0.5);
  EXPECT_FALSE(pairs[2].score_chosen);
  EXPECT_TRUE(pairs[2].chosen_tokens.empty());
}

TEST_F(preferences, tokens_of_the_prompt) {
  const auto pairs =
      read("{\"prompt\":\"p\",\"chosen\":\"c\",\"rejected\":\"r\",\"prompt_ids\":[3,4]}\n");
  EXPECT_EQ(pairs[0].prompt_tokens, (token_sequence{3, 4}));
  write_preferences(path_, pairs);
  EXPECT_EQ(read_preferences(path_)[0].prompt_tokens, (token_sequence{3, 4}));
}

TEST_F(preferences, tokens_of_the_responses) {
  const auto pairs = read(
      "{\"prompt\":\"p\",\"chosen\":\"c\",\"rejected\":\"r\",\"rejected_ids\":[7,0]}\n"
      "{\"chosen\":\"ac\",\"rejected\":\"ar\",\"chosen_ids\":[1]}\n");
  EXPECT_TRUE(pairs[0].chosen_tokens.empty());
  EXPECT_EQ(pairs[0].rejected_tokens, (token_sequence{7, 0}));
  EXPECT_TRUE(pairs[1].chosen_tokens.empty());  // they would hold the prompt too
  write_preferences(path_, pairs);
  EXPECT_EQ(read_preferences(path_)[0].rejected_tokens, (token_sequence{7, 0}));
  refused("{\"prompt\":\"p\",\"chosen\":\"c\",\"rejected\":\"r\",\"chosen_ids\":[-1]}\n",
          "jsonl:1: field 'chosen_ids'");
}

TEST_F(preferences, what_is_refused) {
  const std::string good = "{\"prompt\":\"p\",\"chosen\":\"c\",\"rejected\":\"r\"}\n";
  refused(good + "{\"prompt\":\"p\",\"chosen\":\"c\"}", "jsonl:2: field 'rejected': is missing");
  refused("{\"prompt\":\"p\",\"rejected\":\"c\"}", "jsonl:1: field 'chosen': is missing");
  refused("{\"prompt\":[{\"role\":\"user\",\"content\":\"p\"}],\"chosen\":[],\"rejected\":[]}",
          "jsonl:1: field 'prompt': expected text, found a list");
  refused("{\"messages\":[]}", "jsonl:1: field 'messages'");
  refused("{\"prompt\":\"p\",\"chosen\":\"c\",\"rejected\":\"r\",\"score_chosen\":1}",
          "field 'score_rejected': is missing, though");
  refused("{\"prompt\":\"p\",\"chosen\":\"c\",\"rejected\":\"r\",\"score_rejected\":1}",
          "field 'score_chosen': is missing, though");
  refused("{\"prompt\":\"p\",\"chosen\":\"c\",\"rejected\":\"r\",\"score_chosen\":\"1\"}",
          "field 'score_chosen': expected a number, found \"1\"");
  refused("{\"chosen\":\"abc\",\"rejected\":\"xyz\"}", "field 'prompt': is missing, and");
}

// tests/goldens/preferences.py
TEST_F(preferences, the_implicit_prompt_is_trls) {
  int count = 0;
  for_each_json_row(test::golden("data/extract_prompt.jsonl"), [&](const json_row& row) {
    preference_pair pair{"", row.text("from_chosen"), row.text("from_rejected"), {}, {}};
    ASSERT_TRUE(extract_prompt(pair));
    EXPECT_EQ(pair.prompt, row.text("prompt"));
    EXPECT_EQ(pair.chosen, row.text("chosen"));
    EXPECT_EQ(pair.rejected, row.text("rejected"));
    ++count;
  });
  EXPECT_EQ(count, 12);
}

TEST_F(preferences, no_common_prompt_changes_nothing) {
  for (const auto& [a, b] :
       {std::pair("", "b"), {"a", ""}, {"a", "a"}, {" a", " b"}, {"\xC3\xA9", "\xC3\xA8"}}) {
    preference_pair pair{"", a, b, {}, {}};
    EXPECT_FALSE(extract_prompt(pair)) << a;
    EXPECT_EQ(pair.chosen, a);
    EXPECT_EQ(pair.rejected, b);
  }
}

std::string random_text(random_stream& random) {
  static const std::vector<std::string> parts{"a",    " ",    "\n",          "\"",
                                              "\\",   "\t",   "\xC3\xA9",    "\xF0\x9F\x98\x80",
                                              "\x01", "</s>", "\xE2\x80\xA8"};
  std::string text;
  for (auto left = random.below(30); left > 0; --left) {
    text += parts[static_cast<std::size_t>(random.below(static_cast<std::uint32_t>(parts.size())))];
  }
  return text;
}

TEST_F(preferences, what_is_written_is_read_back) {
  random_stream random(5);
  std::vector<preference_pair> pairs(200);
  for (auto& pair : pairs) {
    pair = {random_text(random), random_text(random), random_text(random), {}, {}};
    if (random.below(2) == 0) {
      pair.score_chosen = std::ldexp(random.uniform(), static_cast<int>(random.below(200)) - 100);
      pair.score_rejected = -random.uniform();
    }
  }
  for (const char* name : {"a.jsonl", "a.jsonl.gz", "a.jsonl.xz", "a.jsonl.zst"}) {
    write_preferences(folder_ / name, pairs);
    const auto back = read_preferences(folder_ / name);
    ASSERT_EQ(back.size(), pairs.size());
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      EXPECT_EQ(back[i].prompt, pairs[i].prompt);
      EXPECT_EQ(back[i].chosen, pairs[i].chosen);
      EXPECT_EQ(back[i].rejected, pairs[i].rejected);
      EXPECT_EQ(back[i].score_chosen, pairs[i].score_chosen);
      EXPECT_EQ(back[i].score_rejected, pairs[i].score_rejected);
    }
  }
}

TEST_F(preferences, bytes_that_json_cannot_hold) {
  write_preferences(path_, std::vector<preference_pair>{{"p", "c\xFF", "r", {}, {}}});
  EXPECT_EQ(read_preferences(path_)[0].chosen, "c\xEF\xBF\xBD");
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const std::vector<preference_pair> bad{{"p", "c", "r", {}, {}}, {"p", "c", "r", 1.0, nan}};
  test::expect_error<data_error>([&] { write_preferences(path_, bad); },
                                 "jsonl:2: field 'score_rejected'");
  EXPECT_EQ(read_preferences(path_).size(), 1U);  // the old file is still there
}

TEST_F(preferences, damage_is_an_error_or_does_no_harm) {
  std::vector<preference_pair> pairs(20, {"prompt", "chosen \xC3\xA9", "rejected", 1.5, 0.25});
  write_preferences(path_, pairs);
  const auto outcome = test::try_damaged(
      test::file_bytes(path_), 1000,
      [&](const std::string& bytes) { EXPECT_LE(read(bytes).size(), pairs.size() + 1); });
  EXPECT_GT(outcome.refused, 300);
}

}  // namespace
}  // namespace prefopt
