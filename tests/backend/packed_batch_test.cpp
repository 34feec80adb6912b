#include <prefopt/backend/packed_batch.hpp>

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace prefopt {
namespace {

using testing::ElementsAre;

const token_sequence x1{1, 2, 3}, x2{9}, y1{4, 5}, y2{6}, y3{7, 8, 4};

TEST(pack, lays_a_prompt_once_and_its_responses_after_it) {
  const packed_batch packed = pack({{{x1, {y1, y2, y3}}, {x2, {y1}}}}, 10, 100);
  // A response's last token predicts nothing, so it has no row.
  EXPECT_THAT(packed.tokens, ElementsAre(1, 2, 3, 4, 7, 8, 9, 4));
  EXPECT_THAT(packed.positions, ElementsAre(0, 1, 2, 3, 3, 4, 0, 1));
  ASSERT_EQ(packed.groups.size(), 2U);
  const auto row_of = [](const packed_segment& s) {
    return std::vector<std::size_t>{s.begin, s.length, s.prefix_begin, s.prefix_length};
  };
  EXPECT_THAT(row_of(packed.groups[0].prompt), ElementsAre(0, 3, 0, 0));
  ASSERT_EQ(packed.groups[0].responses.size(), 3U);
  EXPECT_THAT(row_of(packed.groups[0].responses[0]), ElementsAre(3, 1, 0, 3));
  EXPECT_EQ(packed.groups[0].responses[1].length, 0U);
  EXPECT_THAT(row_of(packed.groups[0].responses[2]), ElementsAre(4, 2, 0, 3));
  EXPECT_THAT(row_of(packed.groups[1].prompt), ElementsAre(6, 1, 0, 0));
  EXPECT_THAT(row_of(packed.groups[1].responses[0]), ElementsAre(7, 1, 6, 1));
}

TEST(pack, says_from_which_row_each_token_is_predicted) {
  const packed_batch packed = pack({{{x1, {y1, y2, y3}}, {x2, {y1}}}}, 10, 100);
  // All first tokens of a group share the last row of their prompt.
  EXPECT_THAT(packed.head_rows, ElementsAre(2, 3, 4, 5, 6, 7));
  EXPECT_EQ(packed.responses, 4U);
  std::vector<std::vector<std::size_t>> found;
  for (const packed_prediction& p : packed.predictions) {
    found.push_back(
        {p.response, p.position, packed.head_rows[p.row], static_cast<std::size_t>(p.token)});
  }
  EXPECT_THAT(found,
              ElementsAre(ElementsAre(0, 0, 2, 4), ElementsAre(0, 1, 3, 5), ElementsAre(1, 0, 2, 6),
                          ElementsAre(2, 0, 2, 7), ElementsAre(2, 1, 4, 8), ElementsAre(2, 2, 5, 4),
                          ElementsAre(3, 0, 6, 4), ElementsAre(3, 1, 7, 5)));
}

TEST(pack, takes_prompts_without_responses_and_no_prompts) {
  const packed_batch packed = pack({{{x1, {}}}}, 10, 3);
  EXPECT_EQ(packed.tokens.size(), 3U);
  EXPECT_TRUE(packed.head_rows.empty());
  EXPECT_TRUE(pack({}, 10, 3).tokens.empty());
}

std::string problem(const response_batch& batch, std::size_t positions = 100) {
  try {
    (void)pack(batch, 10, positions);
  } catch (const usage_error& error) {
    return error.what();
  }
  return "no error";
}

TEST(pack, refuses_what_a_model_cannot_compute_and_says_where) {
  const token_sequence empty, unknown{3, 10}, negative{-5};
  EXPECT_EQ(problem({{{x1, {y1}}, {empty, {y1}}}}), "group 1: the prompt has no token");
  EXPECT_EQ(problem({{{x1, {y1, empty}}}}), "group 0, response 1: it has no token");
  EXPECT_EQ(problem({{{unknown, {y1}}}}),
            "group 0, prompt: token 1 is 10, but the model knows 0 to 9");
  EXPECT_EQ(problem({{{x1, {y1, negative}}}}),
            "group 0, response 1: token 0 is -5, but the model knows 0 to 9");
}

TEST(pack, bounds_positions_by_the_tokens_that_have_rows) {
  // 3 + 3 tokens, the last of which has no row: 5 positions.
  EXPECT_EQ(problem({{{x1, {y3}}}}, 5), "no error");
  EXPECT_EQ(
      problem({{{x1, {y2, y3}}}}, 4),
      "group 0, response 1: prompt and response have 6 tokens, but the model has 4 positions");
  EXPECT_EQ(problem({{{x1, {}}}}, 2),
            "group 0: the prompt has 3 tokens, but the model has 2 positions");
}

}  // namespace
}  // namespace prefopt
