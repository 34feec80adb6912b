#include <prefopt/train/pair_gathering.hpp>

#include <vector>

#include <gtest/gtest.h>

#include "support/damage.hpp"
#include "train/small_data.hpp"

namespace prefopt {
namespace {

TEST(gather_pairs, has_every_prompt_and_response_once) {
  const preference_dataset data = test::small_data(3, 4, 9);
  std::vector<double> reference(data.responses.size());
  for (std::size_t i = 0; i < reference.size(); ++i) reference[i] = -static_cast<double>(i);
  const std::vector<std::size_t> numbers = {12, 13, 0, 1, 2, 3, 4, 5};  // prompt 2, then 0
  const gathered_pairs gathered = gather_pairs(data, numbers, {reference, {}});
  const preference_batch& batch = gathered.batch;
  ASSERT_EQ(batch.responses.groups.size(), 2U);
  EXPECT_EQ(batch.responses.groups[0].prompt.data(), data.prompts[2].data());
  EXPECT_EQ(batch.responses.groups[0].responses.size(), 3U);
  EXPECT_EQ(batch.responses.groups[1].responses.size(), 4U);

  std::vector<const token_id*> flat;  // where the batch's responses lie in the data set
  std::size_t tokens = 0;
  for (const auto& group : batch.responses.groups) {
    tokens += group.prompt.size();
    for (const auto& response : group.responses) {
      flat.push_back(response.data());
      tokens += response.size();
    }
  }
  EXPECT_EQ(gathered.tokens, tokens);
  ASSERT_EQ(batch.pairs.size(), numbers.size());
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const ranked_pair pair = data.pairs[numbers[i]];
    EXPECT_EQ(flat[batch.pairs[i].winner], data.responses[pair.winner].tokens.data());
    EXPECT_EQ(flat[batch.pairs[i].loser], data.responses[pair.loser].tokens.data());
    EXPECT_EQ(batch.scores[batch.pairs[i].winner], data.responses[pair.winner].score);
    EXPECT_EQ(batch.reference_log_probs[batch.pairs[i].loser], reference[pair.loser]);
    EXPECT_EQ(batch.pair_number(i), numbers[i]);
  }
  validate_batch(batch);
}

TEST(gather_pairs, adds_targets_that_no_pair_names) {
  const preference_dataset data = test::small_data(1, 3, 9);
  const std::vector<std::size_t> targets = {2, 2, 2};
  const std::vector<std::size_t> numbers = {0};
  const gathered_pairs gathered = gather_pairs(data, numbers, {{}, targets});
  EXPECT_EQ(gathered.batch.responses.size(), 3U);
  EXPECT_EQ(gathered.batch.targets[0], 2U);
  validate_batch(gathered.batch);
}

TEST(gather_pairs, keeps_its_views_when_it_moves) {
  const preference_dataset data = test::small_data(1, 2, 9);
  const std::vector<std::size_t> numbers = {0};
  gathered_pairs first = gather_pairs(data, numbers);
  const gathered_pairs second = std::move(first);
  EXPECT_EQ(second.batch.pairs.data(), second.pairs.data());
  EXPECT_EQ(second.batch.scores.data(), second.scores.data());
}

TEST(validate, names_what_is_wrong_with_a_data_set) {
  const preference_dataset good = test::small_data(2, 2, 9);
  validate(good);
  const auto expect = [&](auto&& spoil, const char* words) {
    preference_dataset data = good;
    spoil(data);
    test::expect_error<usage_error>([&] { validate(data); }, words);
  };
  expect([](auto& d) { d.pairs.clear(); }, "there is no pair");
  expect([](auto& d) { d.pairs[1].loser = 9; }, "pair 1: response 9 of 4");
  expect([](auto& d) { d.pairs[1].loser = d.pairs[1].winner; }, "pair 1: a response cannot beat");
  expect([](auto& d) { d.pairs[1].loser = 0; }, "pair 1: the responses continue different prompts");
  expect([](auto& d) { d.responses[0].tokens.clear(); }, "pair 0: response 0 is empty");
  expect([](auto& d) { d.prompts[0].clear(); }, "pair 0: the prompt is empty");
  expect([](auto& d) { d.responses[0].prompt = 5; }, "response 0 continues prompt 5 of 2");
}

}  // namespace
}  // namespace prefopt
