#include <prefopt/sample/sampler.hpp>

#include <algorithm>
#include <cstddef>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sample/history_model.hpp"
#include "support/thread_ranks.hpp"

namespace prefopt {
namespace {

using test::drawing_history_model;
using test::history_model;

std::vector<token_sequence> some_prompts(std::size_t count) {
  std::vector<token_sequence> prompts;
  for (std::size_t p = 0; p < count; ++p) {
    prompts.emplace_back(1 + p % 5, static_cast<token_id>(p % 11));
  }
  return prompts;
}

TEST(Sampler, TokensAndLogProbsAreOfTheModel) {
  history_model model(11, 64);
  const auto prompts = some_prompts(9);
  const auto results =
      sample(model, prompts, {.max_new_tokens = 20, .end_tokens = {3}, .responses = 4, .seed = 5});
  ASSERT_EQ(results.size(), prompts.size());
  std::size_t ended = 0;
  for (std::size_t p = 0; p < prompts.size(); ++p) {
    ASSERT_EQ(results[p].size(), 4U);
    for (const auto& response : results[p]) {
      ASSERT_EQ(response.tokens.size(), response.token_log_probs.size());
      token_sequence text = prompts[p];
      double sum = 0.0;
      for (std::size_t n = 0; n < response.tokens.size(); ++n) {
        const double expected = model.log_prob(text, response.tokens[n]);
        EXPECT_NEAR(static_cast<double>(response.token_log_probs[n]), expected, 1e-5);
        sum += expected;
        text.push_back(response.tokens[n]);
        const bool last = n + 1 == response.tokens.size();
        EXPECT_EQ(response.tokens[n] == 3, last && response.ended);
      }
      EXPECT_NEAR(response.log_prob, sum, 1e-4);
      EXPECT_TRUE(response.ended || response.tokens.size() == 20);
      ended += response.ended ? 1 : 0;
    }
  }
  EXPECT_GT(ended, 10U);
  EXPECT_LT(ended, 36U);
  EXPECT_THAT(model.prefilled, testing::ElementsAre(prompts.size()));  // once for four responses
  EXPECT_EQ(model.left_behind, 0U);
}

TEST(Sampler, ResultsDoNotDependOnTheNumberOfRanks) {
  const auto prompts = some_prompts(7);
  const sampling_options options = {
      .max_new_tokens = 12, .end_tokens = {3}, .responses = 3, .seed = 5, .first_prompt = 40};
  history_model alone(11, 64);
  const auto expected = sample(alone, prompts, options);
  for (const std::size_t size : {1U, 2U, 4U, 9U}) {  // of 9, two have nothing to do
    test::run_ranks(size, [&](test::thread_rank& ranks) {
      history_model model(11, 64);
      std::size_t own = 0;
      const auto found = sample(
          model, prompts, options,
          [&](std::size_t finished, std::size_t total) {
            own = finished;
            EXPECT_EQ(total, 3 * own_share(ranks, prompts.size()).size());
          },
          ranks);
      EXPECT_EQ(own, 3 * own_share(ranks, prompts.size()).size());
      ASSERT_EQ(found.size(), expected.size());
      for (std::size_t p = 0; p < found.size(); ++p) {
        ASSERT_EQ(found[p].size(), expected[p].size());
        for (std::size_t r = 0; r < found[p].size(); ++r) {
          EXPECT_EQ(found[p][r].tokens, expected[p][r].tokens);
          EXPECT_EQ(found[p][r].token_log_probs, expected[p][r].token_log_probs);
          EXPECT_EQ(found[p][r].log_prob, expected[p][r].log_prob);
          EXPECT_EQ(found[p][r].ended, expected[p][r].ended);
        }
      }
    });
  }
}

TEST(Sampler, ResultsDoNotDependOnTheBatch) {
  const auto prompts = some_prompts(13);
  sampling_options options{
      .temperature = 0.8, .top_p = 0.95, .max_new_tokens = 25, .end_tokens = {3}, .responses = 3};
  std::vector<std::vector<sampled_response>> expected;
  for (const std::size_t rows : {1U, 2U, 7U, 32U, 1000U}) {
    options.batch_rows = rows;
    history_model model(11, 64);
    const auto found = sample(model, prompts, options);
    if (expected.empty()) expected = found;
    for (std::size_t p = 0; p < prompts.size(); ++p) {
      for (std::size_t m = 0; m < 3; ++m) {
        EXPECT_EQ(found[p][m].tokens, expected[p][m].tokens);
        EXPECT_EQ(found[p][m].token_log_probs, expected[p][m].token_log_probs);
        EXPECT_EQ(found[p][m].log_prob, expected[p][m].log_prob);
        EXPECT_EQ(found[p][m].ended, expected[p][m].ended);
      }
    }
    EXPECT_LE(model.most_rows, rows);
  }
}

TEST(Sampler, AModelThatDrawsIsAskedTo) {
  const auto prompts = some_prompts(9);
  for (const sampling_options& options :
       {sampling_options{.max_new_tokens = 25, .end_tokens = {3}, .responses = 3, .seed = 4},
        sampling_options{.temperature = 0.0, .max_new_tokens = 25},
        sampling_options{.temperature = 0.7, .top_k = 6, .top_p = 0.8, .batch_rows = 5}}) {
    history_model decoding(11, 64);
    drawing_history_model drawing(11, 64);
    const auto expected = sample(decoding, prompts, options);
    const auto found = sample(drawing, prompts, options);
    EXPECT_GT(drawing.draws, 0U);
    EXPECT_EQ(drawing.draws, drawing.decodes) << "there are no logits for the sampler";
    for (std::size_t p = 0; p < prompts.size(); ++p) {
      for (std::size_t m = 0; m < options.responses; ++m) {
        EXPECT_EQ(found[p][m].tokens, expected[p][m].tokens);
        EXPECT_EQ(found[p][m].token_log_probs, expected[p][m].token_log_probs);
        EXPECT_EQ(found[p][m].log_prob, expected[p][m].log_prob);
        EXPECT_EQ(found[p][m].ended, expected[p][m].ended);
      }
    }
  }
}

TEST(Sampler, PartsOfAListGiveWhatTheWholeGives) {
  const auto prompts = some_prompts(6);
  history_model model(11, 64);
  const auto whole = sample(model, prompts, {.max_new_tokens = 8, .responses = 2});
  const auto part = sample(model, std::span(prompts).subspan(4),
                           {.max_new_tokens = 8, .responses = 2, .first_prompt = 4});
  EXPECT_EQ(part[0][1].tokens, whole[4][1].tokens);
  EXPECT_EQ(part[1][0].tokens, whole[5][0].tokens);
}

TEST(Sampler, SeedsPromptsAndResponsesHaveTheirOwnStreams) {
  history_model model(11, 64);
  const std::vector<token_sequence> prompts(2, token_sequence{1, 2});
  const auto a = sample(model, prompts, {.max_new_tokens = 30, .responses = 2, .seed = 1});
  const auto b = sample(model, prompts, {.max_new_tokens = 30, .responses = 2, .seed = 2});
  EXPECT_NE(a[0][0].tokens, a[0][1].tokens);
  EXPECT_NE(a[0][0].tokens, a[1][0].tokens);
  EXPECT_NE(a[0][0].tokens, b[0][0].tokens);
}

TEST(Sampler, AnyOfSeveralTokensEndsAResponse) {
  history_model model(11, 1000);
  const auto prompts = some_prompts(40);
  const auto results = sample(model, prompts, {.max_new_tokens = 200, .end_tokens = {3, 5, 7}});
  std::set<token_id> last;
  for (const auto& responses : results) {
    const token_sequence& tokens = responses.front().tokens;
    ASSERT_TRUE(responses.front().ended);
    last.insert(tokens.back());
    for (const token_id token : {3, 5, 7}) {
      EXPECT_EQ(std::count(tokens.begin(), tokens.end() - 1, token), 0) << "before the end";
    }
  }
  EXPECT_EQ(last, (std::set<token_id>{3, 5, 7}));
}

TEST(Sampler, RowsStayFullUntilTheEnd) {
  history_model model(11, 1000);
  const auto prompts = some_prompts(50);
  const auto results = sample(
      model, prompts, {.max_new_tokens = 100, .end_tokens = {3}, .responses = 2, .batch_rows = 8});
  std::size_t longest = 0;
  std::size_t decoded = 0;  // a response's first token comes with its prompt
  for (const auto& responses : results) {
    for (const auto& response : responses) {
      decoded += response.tokens.size() - 1;
      longest = std::max(longest, response.tokens.size());
    }
  }
  EXPECT_EQ(model.most_rows, 8U);
  EXPECT_LE(model.most_prompts, 8U + 32U) << "prompts of rows, and those computed ahead";
  EXPECT_LE(model.decodes, decoded / 8 + longest);
}

TEST(Sampler, PromptsAreComputedTogetherAsFarAsTheyAreFewAndShort) {
  using testing::ElementsAre;
  const auto prefilled = [](std::size_t prompts, std::size_t length) {
    history_model model(11, 1000);
    sample(model, std::vector(prompts, token_sequence(length, 1)), {.max_new_tokens = 3});
    EXPECT_EQ(model.left_behind, 0U);
    return model.prefilled;
  };
  EXPECT_THAT(prefilled(50, 2), ElementsAre(32, 18));
  EXPECT_THAT(prefilled(7, 200), ElementsAre(2, 2, 2, 1));
  EXPECT_THAT(prefilled(2, 600), ElementsAre(1, 1));
}

TEST(Sampler, ModelsPositionsBoundResponses) {
  history_model model(11, 12);
  const std::vector<token_sequence> prompts{{1, 2, 3}, token_sequence(11, 4)};
  const auto results = sample(model, prompts, {.max_new_tokens = 50});
  EXPECT_EQ(results[0][0].tokens.size(), 9U);
  EXPECT_EQ(results[1][0].tokens.size(), 1U);
  EXPECT_FALSE(results[0][0].ended);
}

TEST(Sampler, OneTokenNeedsNoRow) {
  history_model model(11, 12);
  const auto results = sample(model, some_prompts(3), {.max_new_tokens = 1, .responses = 5});
  EXPECT_EQ(results[2][4].tokens.size(), 1U);
  EXPECT_EQ(model.decodes, 0U);
  EXPECT_EQ(model.left_behind, 0U);
}

TEST(Sampler, GreedyResponsesAreEqual) {
  history_model model(11, 64);
  const auto results =
      sample(model, some_prompts(2), {.temperature = 0.0, .max_new_tokens = 9, .responses = 2});
  EXPECT_EQ(results[1][0].tokens, results[1][1].tokens);
}

TEST(Sampler, TellsHowFarItIs) {
  history_model model(11, 64);
  std::vector<std::size_t> seen;
  const auto told = [&](std::size_t finished, std::size_t total) {
    EXPECT_EQ(total, 6U);
    seen.push_back(finished);
  };
  sample(model, some_prompts(3), {.max_new_tokens = 4, .responses = 2}, told);
  EXPECT_EQ(seen, (std::vector<std::size_t>{1, 2, 3, 4, 5, 6}));
  EXPECT_TRUE(sample(model, {}, {}, told).empty());
  const auto stop = [](std::size_t, std::size_t) { throw std::runtime_error("stop"); };
  EXPECT_THROW(sample(model, some_prompts(3), {}, stop), std::runtime_error);
}

template <class Model>
class NotFiniteLogits : public testing::Test {};
using both_models = testing::Types<history_model, drawing_history_model>;
TYPED_TEST_SUITE(NotFiniteLogits, both_models);

TYPED_TEST(NotFiniteLogits, AreNamed) {
  TypeParam model(11, 64);
  model.broken_length = 7;
  try {
    sample(model, std::vector<token_sequence>{{1}, {1, 2, 3, 4}},
           {.max_new_tokens = 5, .responses = 2});
    FAIL() << "NaN was sampled from";
  } catch (const sampling_error& e) {
    EXPECT_EQ(e.prompt(), 1U);
    EXPECT_EQ(e.response(), 0U);
    EXPECT_EQ(e.position(), 3U);
    EXPECT_NE(std::string(e.what()).find("prompt 1, response 0, token 3"), std::string::npos);
  }
}

TEST(Sampler, PromptsThatCannotBeAreNamed) {
  history_model model(11, 12);
  const auto problem = [&](std::vector<token_sequence> prompts, const sampling_options& options) {
    try {
      sample(model, prompts, options);
    } catch (const usage_error& e) {
      return std::string(e.what());
    }
    return std::string();
  };
  EXPECT_NE(problem({{1}, {}}, {}).find("prompt 1 is empty"), std::string::npos);
  EXPECT_NE(problem({{1, 11}}, {}).find("token 11"), std::string::npos);
  EXPECT_NE(problem({{-1}}, {}).find("token -1"), std::string::npos);
  EXPECT_NE(problem({token_sequence(12, 1)}, {}).find("12 positions"), std::string::npos);
  EXPECT_NE(problem({{1}}, {.end_tokens = {3, -1}}).find("end_tokens holds -1"), std::string::npos);
  EXPECT_NE(problem({{1}, {1}}, {.first_prompt = 0xFFFFFFFE}).find("2^32"), std::string::npos);
  EXPECT_TRUE(model.prefilled.empty());
}

}  // namespace
}  // namespace prefopt
