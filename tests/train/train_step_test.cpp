#include <prefopt/train/train_step.hpp>

#include <cmath>
#include <limits>
#include <numbers>
#include <optional>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <prefopt/loss/presets.hpp>
#include <prefopt/offset/identity.hpp>

#include "support/damage.hpp"
#include "train/swallowing_hinge.hpp"

namespace prefopt {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

/// A model whose response number r has log-prob table[first token of r], and which records calls.
struct table_model {
  std::vector<double> table;
  std::vector<double> gradient = std::vector<double>(table.size(), 0.0);
  std::vector<std::size_t> rows = {};
  std::vector<double> weights = {};
  int forwards = 0;
  int backwards = 0;

  void log_probs(const response_batch& batch, std::span<double> out) {
    rows.clear();
    for (const response_group& group : batch.groups) {
      for (const auto& response : group.responses) {
        out[rows.size()] = table[static_cast<std::size_t>(response[0])];
        rows.push_back(static_cast<std::size_t>(response[0]));
      }
    }
  }
  void forward(const response_batch& batch, std::span<double> out) {
    ++forwards;
    log_probs(batch, out);
  }
  void backward(std::span<const double> given) {
    ++backwards;
    weights.assign(given.begin(), given.end());
    for (std::size_t r = 0; r < rows.size(); ++r) gradient[rows[r]] += given[r];
  }
};

/// Two prompts: four responses to the first, two to the second. Response r is token r, r % 3 + 1
/// times over.
struct two_prompts {
  std::vector<token_sequence> tokens;
  std::vector<token_id> prompt{7};
  std::vector<ranked_pair> pairs{{0, 1}, {0, 2}, {3, 1}, {4, 5}};
  std::vector<double> reference{-10, -11, -12, -13, -14, -15};
  std::vector<double> scores{5, 1, 2, 3, 9, 4};
  table_model model{{-9, -12, -12.5, -12, -20, -13}};

  two_prompts() {
    for (token_id r = 0; r < 6; ++r) {
      tokens.emplace_back(static_cast<std::size_t>(r % 3 + 1), r);
    }
  }
  preference_batch batch() const {
    return {{{{prompt, {tokens[0], tokens[1], tokens[2], tokens[3]}},
              {prompt, {tokens[4], tokens[5]}}}},
            pairs,
            reference,
            scores};
  }
  pair_terms<double> terms(ranked_pair pair) const {
    return {.policy_winner = model.table[pair.winner],
            .policy_loser = model.table[pair.loser],
            .reference_winner = reference[pair.winner],
            .reference_loser = reference[pair.loser],
            .winner_score = scores[pair.winner],
            .loser_score = scores[pair.loser],
            .winner_tokens = static_cast<double>(pair.winner % 3 + 1),
            .loser_tokens = static_cast<double>(pair.loser % 3 + 1)};
  }
};

template <class Loss>
void expect_sums_of_pairs(const Loss& loss) {
  two_prompts data;
  const preference_metrics metrics = train_step(data.model, data.batch(), loss);
  std::vector<double> expected(6, 0.0);
  double sum = 0;
  for (const ranked_pair pair : data.pairs) {
    const auto gradient = loss(data.terms(pair));
    expected[pair.winner] += gradient.winner / 4;
    expected[pair.loser] += gradient.loser / 4;
    sum += gradient.value;
  }
  for (std::size_t r = 0; r < 6; ++r) EXPECT_DOUBLE_EQ(data.model.weights[r], expected[r]);
  EXPECT_DOUBLE_EQ(metrics.loss(), sum / 4);
  EXPECT_EQ(data.model.forwards, 1);
  EXPECT_EQ(data.model.backwards, 1);
}

TEST(train_step, gives_each_response_the_sum_of_its_pairs_derivatives) {
  expect_sums_of_pairs(dpo(0.1));
  expect_sums_of_pairs(odpo(0.1, 0.5));
  expect_sums_of_pairs(simpo(2.0, 0.5));
  expect_sums_of_pairs(ipo(0.1));
}

TEST(train_step, of_the_reference_itself_is_log_2_exactly) {
  two_prompts data;
  data.reference = data.model.table;
  const preference_metrics metrics = train_step(data.model, data.batch(), dpo(0.1));
  EXPECT_EQ(metrics.loss(), std::numbers::ln2);
  EXPECT_EQ(metrics.reward_margin(), 0.0);
  EXPECT_EQ(metrics.accuracy(), 0.0);
}

TEST(train_step, reports_metrics) {
  two_prompts data;
  const preference_metrics metrics = train_step(data.model, data.batch(), dpo(0.5));
  // Implicit rewards / 0.5: winners 1, 1, 1, -6; losers -1, -0.5, -1, 2.
  EXPECT_EQ(metrics.pairs, 4U);
  EXPECT_DOUBLE_EQ(metrics.chosen_reward_sum, 0.5 * -3);
  EXPECT_DOUBLE_EQ(metrics.rejected_reward_sum, 0.5 * -0.5);
  EXPECT_EQ(metrics.correct, 3U);
  EXPECT_DOUBLE_EQ(metrics.chosen_log_prob_sum, -9 - 9 - 12 - 20);
  EXPECT_DOUBLE_EQ(metrics.rejected_log_prob_sum, -12 - 12.5 - 12 - 13);
}

TEST(train_step, over_micro_batches_is_one_over_all) {
  two_prompts whole;
  const preference_metrics all = train_step(whole.model, whole.batch(), odpo(0.1));
  two_prompts parts;
  preference_metrics sum;
  for (std::size_t begin = 0; begin < 4; begin += 3) {
    preference_batch batch = parts.batch();
    batch.pairs = batch.pairs.subspan(begin, std::min<std::size_t>(3, 4 - begin));
    sum += train_step(parts.model, batch, odpo(0.1), {.pair_weight = 1.0 / 4});
  }
  EXPECT_DOUBLE_EQ(sum.loss(), all.loss());
  for (std::size_t r = 0; r < 6; ++r) {
    EXPECT_DOUBLE_EQ(parts.model.gradient[r], whole.model.gradient[r]);
  }
}

TEST(train_step, hands_sft_targets_their_weight) {
  two_prompts data;
  preference_batch batch = data.batch();
  const std::vector<std::size_t> targets{3, 3, 2, 5};
  batch.targets = targets;
  const auto loss = slic(1.0, target_nll{0.5});
  const double value = train_step(data.model, batch, loss).loss();
  two_prompts plain;
  const double without = train_step(plain.model, plain.batch(), slic(1.0, 0.0)).loss();
  EXPECT_DOUBLE_EQ(value, without + 0.5 * (12 + 12 + 12.5 + 13) / 4);
  EXPECT_DOUBLE_EQ(data.model.weights[3], plain.model.weights[3] - 2 * 0.5 / 4);
  EXPECT_DOUBLE_EQ(data.model.weights[2], plain.model.weights[2] - 0.5 / 4);
  EXPECT_DOUBLE_EQ(data.model.weights[5], plain.model.weights[5] - 0.5 / 4);
}

TEST(train_step, needs_no_reference_and_no_scores_where_the_loss_reads_none) {
  two_prompts data;
  const preference_batch bare{data.batch().responses, data.pairs};
  EXPECT_TRUE(std::isfinite(train_step(data.model, bare, slic(1.0, 0.1)).loss()));
  EXPECT_TRUE(std::isfinite(train_step(data.model, bare, simpo(2.0, 0.1)).reward_margin()));
}

TEST(train_step, refuses_a_tie_and_names_the_pair_of_the_data_set) {
  two_prompts data;
  data.scores[2] = data.scores[0];
  preference_batch batch = data.batch();
  const std::vector<std::size_t> numbers{90, 91, 92, 93};
  batch.pair_numbers = numbers;
  try {
    train_step(data.model, batch, odpo(0.1));
    FAIL();
  } catch (const score_error& error) {
    EXPECT_EQ(error.pair(), 91U);
    EXPECT_EQ(error.winner_score(), 5.0);
  }
  EXPECT_EQ(data.model.backwards, 0);
  EXPECT_NO_THROW(train_step(data.model, batch, dpo(0.1)));
}

TEST(train_step, stops_at_a_loss_that_is_no_number) {
  for (const double bad :
       {std::numeric_limits<double>::quiet_NaN(), -std::numeric_limits<double>::infinity()}) {
    two_prompts data;
    data.model.table[4] = bad;
    try {
      train_step(data.model, data.batch(), dpo(0.1), {.step = 12});
      FAIL();
    } catch (const numeric_error& error) {
      EXPECT_EQ(error.step(), 12U);
      EXPECT_EQ(error.pair(), 3U);
      EXPECT_THAT(error.what(), HasSubstr("step 12, pair 3: the loss is "));
    }
    EXPECT_EQ(data.model.backwards, 0);
  }
}

template <class Loss>
void expect_lack(two_prompts& data, const preference_batch& batch, const Loss& loss,
                 const char* words) {
  for (const auto& needs : {std::optional<loss_needs>(), std::optional(needs_of(loss))}) {
    test::expect_error<usage_error>([&] { train_step(data.model, batch, loss, {.needs = needs}); },
                                    words);
    test::expect_error<usage_error>(
        [&] { evaluate_step(data.model, batch, loss, {.needs = needs}); }, words);
  }
}

TEST(train_step, says_what_the_batch_lacks) {
  two_prompts data;
  const preference_batch bare{data.batch().responses, data.pairs};
  expect_lack(data, bare, odpo(0.1), "the batch has none");
  expect_lack(data, bare, dpo(0.1), "the batch has no reference_log_probs");
  expect_lack(data, data.batch(), slic(1.0, target_nll{0.1}), "the batch has no targets");
  EXPECT_EQ(data.model.forwards, 0);
}

TEST(train_step, needs_the_reference_of_a_loss_that_turns_nan_into_0) {
  two_prompts data;
  const preference_batch bare{data.batch().responses, data.pairs};
  expect_lack(data, bare, test::swallowing_hinge{}, "the batch has no reference_log_probs");
  EXPECT_EQ(data.model.forwards, 0);
  EXPECT_GT(train_step(data.model, data.batch(), test::swallowing_hinge{}).loss(), 0.0);
  data.model.table[5] = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THROW(train_step(data.model, data.batch(), test::swallowing_hinge{}), numeric_error);
}

/// Rewards a score above 1 through a comparison that loses NaN.
struct swallowing_score {
  pair_gradient<double> operator()(const pair_terms<double>& pair) const {
    return {pair.winner_score > 1.0 ? -pair.policy_winner : 0.0,
            pair.winner_score > 1.0 ? -1.0 : 0.0, 0.0, 0.0};
  }
};

TEST(train_step, needs_the_scores_of_a_loss_that_turns_nan_into_0) {
  two_prompts data;
  const preference_batch bare{data.batch().responses, data.pairs};
  expect_lack(data, bare, swallowing_score{}, "the loss reads scores");
}

TEST(evaluate_step, gives_the_metrics_without_a_gradient) {
  two_prompts trained;
  two_prompts evaluated;
  const auto loss = odpo(0.1, 0.5);
  EXPECT_EQ(evaluate_step(evaluated.model, evaluated.batch(), loss).loss(),
            train_step(trained.model, trained.batch(), loss).loss());
  EXPECT_EQ(evaluated.model.forwards, 0);
  EXPECT_EQ(evaluated.model.backwards, 0);
}

}  // namespace
}  // namespace prefopt
