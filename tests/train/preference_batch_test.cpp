#include <prefopt/train/preference_batch.hpp>

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace prefopt {
namespace {

struct three_responses {
  std::vector<token_id> tokens{1, 2, 3};
  std::vector<ranked_pair> pairs{{0, 1}, {2, 1}};
  std::vector<double> three{0, 0, 0};
  std::vector<std::size_t> two{0, 0};
  preference_batch batch{{{{tokens, {tokens, tokens, tokens}}}}, pairs, three, three, two, two};
};

void expect_refused(const preference_batch& batch, const std::string& why) {
  try {
    validate_batch(batch);
    FAIL() << "accepted: " << why;
  } catch (const usage_error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr(why));
  }
}

TEST(preference_batch, may_lack_what_the_loss_does_not_read) {
  const three_responses data;
  EXPECT_NO_THROW(validate_batch(data.batch));
  EXPECT_NO_THROW(validate_batch({data.batch.responses, data.pairs}));
}

TEST(preference_batch, numbers_its_pairs) {
  three_responses data;
  EXPECT_EQ((preference_batch{data.batch.responses, data.pairs}.pair_number(1)), 1U);
  data.two = {40, 41};
  EXPECT_EQ(data.batch.pair_number(1), 41U);
}

TEST(preference_batch, refuses_lengths_that_do_not_fit) {
  const three_responses data;
  preference_batch batch = data.batch;
  batch.scores = batch.scores.first(2);
  expect_refused(batch, "scores has 2 entries for 3 responses");
  batch = data.batch;
  batch.reference_log_probs = batch.reference_log_probs.first(1);
  expect_refused(batch, "reference_log_probs has 1 entries for 3 responses");
  batch = data.batch;
  batch.targets = batch.targets.first(1);
  expect_refused(batch, "targets has 1 entries for 2 pairs");
  batch = data.batch;
  batch.pair_numbers = batch.pair_numbers.first(1);
  expect_refused(batch, "pair_numbers has 1 entries for 2 pairs");
}

TEST(preference_batch, refuses_positions_that_are_not_there) {
  three_responses data;
  data.two = {70, 3};
  expect_refused(data.batch, "target 70 of 3 responses");
  data.two = {0, 0};
  data.pairs[1] = {3, 0};
  expect_refused(data.batch, "winner 3 of 3 responses");
  data.pairs[1] = {0, 4};
  expect_refused(data.batch, "loser 4 of 3 responses");
  data.pairs[1] = {2, 2};
  expect_refused(data.batch, "cannot beat itself");
  data.batch.pairs = {};
  data.batch.targets = data.batch.pair_numbers = {};
  expect_refused(data.batch, "there is no pair");
}

}  // namespace
}  // namespace prefopt
