#include <prefopt/text/tokenize_dataset.hpp>

#include <cmath>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <prefopt/text/byte_level_bpe.hpp>

#include "support/bpe.hpp"
#include "support/damage.hpp"

namespace prefopt {
namespace {

const byte_level_bpe& small() {
  static const byte_level_bpe t(test::small_bpe());
  return t;
}

TEST(tokenize_dataset, equal_prompts_and_responses_are_stored_once) {
  const std::vector<preference_pair> pairs{{"p", "abc", "b", {}, {}},
                                           {"q", "abc", "b", {}, {}},
                                           {"p", "abc", "c", {}, {}},
                                           {"p", "abc", "b", 2.0, 1.0},
                                           {"p", "c", "c", {}, {}}};
  const auto made = tokenize_preferences(pairs, small());
  const auto& data = made.data;
  EXPECT_EQ(data.prompts, (std::vector<token_sequence>{{'p'}, {'q'}}));
  ASSERT_EQ(data.responses.size(), 7U);
  EXPECT_EQ(data.responses[0].tokens, (token_sequence{257, 259}));  // the end token once
  EXPECT_EQ(data.responses[2].prompt, 1U);
  EXPECT_TRUE(std::isnan(data.responses[0].score));
  EXPECT_EQ(data.responses[5].score, 2.0);
  EXPECT_EQ(data.pairs, (std::vector<ranked_pair>{{0, 1}, {2, 3}, {0, 4}, {5, 6}}));
  EXPECT_EQ(made.identical_pairs, 1U);
  EXPECT_EQ(made.prompts_cut + made.responses_cut, 0U);
}

TEST(tokenize_dataset, what_is_too_long_is_cut_and_counted) {
  const std::vector<preference_pair> pairs{{"xyz", "wwwa", "wwwc", {}, {}},
                                           {"xyz", "w", "v", {}, {}}};
  const auto made = tokenize_preferences(pairs, small(), {.max_prompt = 2, .max_response = 3});
  EXPECT_EQ(made.data.prompts, (std::vector<token_sequence>{{'y', 'z'}}));
  EXPECT_EQ(made.data.responses[0].tokens, (token_sequence{'w', 'w', 'w'}));  // no end token
  EXPECT_EQ(made.data.responses[2].tokens, (token_sequence{'w', 259}));
  EXPECT_EQ(made.prompts_cut, 1U);
  EXPECT_EQ(made.responses_cut, 2U);
  EXPECT_EQ(made.identical_pairs, 1U);  // the first: both are www now
  EXPECT_EQ(made.data.pairs, (std::vector<ranked_pair>{{2, 3}}));
}

TEST(tokenize_dataset, a_prompt_may_lose_its_end_and_a_response_go_without_end_token) {
  const std::vector<preference_pair> pairs{{"xyz", "w", "v", {}, {}}, {"x", "", "v", {}, {}}};
  const tokenize_options options{
      .max_prompt = 2, .prompt_loses = tokenize_options::side::right, .end_token = false};
  const auto made = tokenize_preferences(std::span(pairs).first(1), small(), options);
  EXPECT_EQ(made.data.prompts, (std::vector<token_sequence>{{'x', 'y'}}));
  EXPECT_EQ(made.data.responses[0].tokens, (token_sequence{'w'}));
  EXPECT_THROW(tokenize_preferences(std::span<const preference_pair>(pairs), small(), options),
               usage_error);  // an empty response is no token at all
  EXPECT_EQ(tokenize_preferences(std::span<const preference_pair>(pairs), small())
                .data.responses[2]
                .tokens,
            (token_sequence{259}));  // and is its end token otherwise
}

TEST(tokenize_dataset, pairs_that_stand_there_again_are_counted) {
  const std::vector<preference_pair> pairs{
      {"p", "a", "b", {}, {}}, {"p", "b", "a", {}, {}}, {"p", "a", "b", {}, {}}};
  const auto made = tokenize_preferences(pairs, small());
  EXPECT_EQ(made.repeated_pairs, 1U);
  EXPECT_EQ(made.data.pairs, (std::vector<ranked_pair>{{0, 1}, {1, 0}, {0, 1}}));
}

TEST(tokenize_dataset, pairs_with_known_tokens_keep_them) {
  const std::vector<preference_pair> pairs{{"p", "ab", "a", {}, {}, {'a', 'b'}, {}},
                                           {"p", "ab", "a", {}, {}, {}, {}}};
  const auto made = tokenize_preferences(pairs, small());
  EXPECT_EQ(made.data.responses[0].tokens, (token_sequence{'a', 'b'}));  // it was cut off
  EXPECT_EQ(made.data.responses[2].tokens, (token_sequence{256, 259}));
  EXPECT_EQ(made.data.pairs, (std::vector<ranked_pair>{{0, 1}, {2, 1}}));
}

TEST(tokenize_dataset, prompts_with_known_tokens_keep_them) {
  const std::vector<preference_pair> pairs{{"p", "ab", "a", {}, {}, {}, {}, {'x', 'p'}},
                                           {"p", "ab", "a", {}, {}},
                                           {"p", "ab", "c", {}, {}, {}, {}, {'x', 'p'}}};
  const auto made = tokenize_preferences(pairs, small());
  EXPECT_EQ(made.data.prompts, (std::vector<token_sequence>{{'x', 'p'}, {'p'}}));
  EXPECT_EQ(made.data.responses.size(), 5U);  // "ab" to the known tokens is one
  const auto cut = tokenize_preferences(pairs, small(), {.max_prompt = 1});
  EXPECT_EQ(cut.data.prompts[0], (token_sequence{'p'}));
  EXPECT_EQ(cut.prompts_cut, 1U);
}

TEST(tokenize_dataset, sampled_responses_keep_their_tokens) {
  const std::vector<scored_response> responses{
      {"p", "ab", 0.5, {'a', 'b'}}, {"p", "ab", 1.5, {}}, {"q", "", 1.0, {}}};
  const std::vector<ranked_pair> pairs{{1, 0}};
  const auto made = tokenize_responses(responses, pairs, small());
  EXPECT_EQ(made.data.responses[0].tokens, (token_sequence{'a', 'b'}));
  EXPECT_EQ(made.data.responses[1].tokens, (token_sequence{256, 259}));
  EXPECT_EQ(made.data.responses[2].tokens, token_sequence{259});
  EXPECT_EQ(made.data.responses[1].score, 1.5);
  EXPECT_EQ(made.data.pairs, pairs);
  for (const ranked_pair bad : {ranked_pair{0, 2}, ranked_pair{3, 0}, ranked_pair{0, 3}}) {
    test::expect_error<usage_error>(
        [&] { tokenize_responses(responses, std::vector<ranked_pair>{bad}, small()); }, "pair 0 (");
  }
}

TEST(tokenize_dataset, what_cannot_work) {
  const std::vector<preference_pair> pairs{{"p", "a", "b", {}, {}}, {"", "a", "b", {}, {}}};
  test::expect_error<usage_error>([&] { tokenize_preferences(pairs, small()); },
                                  "row 1: the prompt is empty");
  test::expect_error<usage_error>([&] { tokenize_preferences(pairs, small(), {.max_prompt = 0}); },
                                  "0 tokens");
  auto d = test::small_bpe();
  d.end.reset();
  test::expect_error<usage_error>([&] { tokenize_preferences(pairs, byte_level_bpe(d)); },
                                  "no end token");
}

}  // namespace
}  // namespace prefopt
