#include <prefopt/train/preference_trainer.hpp>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <numbers>
#include <sstream>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <prefopt/core/error.hpp>
#include <prefopt/core/folder_lock.hpp>
#include <prefopt/loss/presets.hpp>
#include <prefopt/train/adamw.hpp>

#include "support/damage.hpp"
#include "support/temporary_folder.hpp"
#include "train/bigram_model.hpp"
#include "train/small_data.hpp"
#include "train/swallowing_hinge.hpp"

namespace prefopt {
namespace {

using test::bigram_model;

TEST(preference_trainer, begins_at_ln_2_and_no_reward_exactly) {
  const preference_dataset data = test::small_data(4, 4, 9);
  for (const std::size_t batch : {1UL, 3UL, 7UL, 11UL, 24UL}) {
    bigram_model model(9);
    auto options = test::quiet_options();
    options.max_steps = 1;
    options.batch_size = batch;
    adamw optimizer;
    const auto result = preference_trainer(model, data, dpo(0.1), options).train(optimizer);
    EXPECT_EQ(test::metric(result.metrics, "loss"), std::numbers::ln2);
    EXPECT_EQ(test::metric(result.metrics, "rewards/chosen"), 0.0);
    EXPECT_EQ(test::metric(result.metrics, "rewards/rejected"), 0.0);
  }
}

TEST(preference_trainer, learns_to_prefer_the_winners) {
  const preference_dataset data = test::small_data(6, 3, 9);
  bigram_model model(9);
  auto options = test::quiet_options();
  options.epochs = 20;
  preference_trainer trainer(model, data, odpo(0.5, 0.5), options);
  trainer.evaluate_on(data);
  adamw optimizer;
  const auto result = trainer.train(optimizer);
  EXPECT_TRUE(result.finished);
  EXPECT_EQ(result.steps, 60U);  // 18 pairs by 8: 3 steps an epoch
  EXPECT_GT(test::metric(result.metrics, "eval_rewards/accuracies"), 0.9);
  EXPECT_GT(test::metric(result.metrics, "eval_rewards/margins"), 1.0);
  EXPECT_LT(test::metric(result.metrics, "eval_loss"), 0.5);
  EXPECT_NEAR(test::metric(result.metrics, "eval_rewards/margins"),
              test::metric(result.metrics, "eval_rewards/chosen") -
                  test::metric(result.metrics, "eval_rewards/rejected"),
              1e-12);
}

/// After a step whose rate is 0: with the step's gradient.
bigram_model after_a_step(std::size_t accumulation, std::size_t part_tokens = 0) {
  const preference_dataset data = test::small_data(5, 4, 9);
  bigram_model model(9);
  auto options = test::quiet_options();
  options.max_steps = 1;
  options.batch_size = 23;
  options.accumulation = accumulation;
  options.part_tokens = part_tokens;
  options.learning_rate = 0.0;
  adamw optimizer;
  preference_trainer(model, data, odpo(0.1), options).train(optimizer);
  return model;
}

TEST(preference_trainer, accumulates_the_gradient_of_the_whole_batch) {
  const auto whole = after_a_step(1).gradients();
  for (const std::size_t parts : {2UL, 4UL, 23UL}) {
    const auto split = after_a_step(parts).gradients();
    for (std::size_t i = 0; i < whole.size(); ++i) EXPECT_NEAR(split[i], whole[i], 1e-7);
  }
}

TEST(preference_trainer, cuts_a_step_so_that_no_part_has_too_many_tokens) {
  const bigram_model whole = after_a_step(1);
  ASSERT_EQ(whole.trained_tokens.size(), 1U);
  const std::size_t all = whole.trained_tokens[0];
  for (const std::size_t most : {all / 2, all / 5}) {
    const bigram_model cut = after_a_step(1, most);
    EXPECT_GE(cut.trained_tokens.size(), all / most);
    EXPECT_LE(*std::max_element(cut.trained_tokens.begin(), cut.trained_tokens.end()), most);
    for (std::size_t i = 0; i < whole.gradients().size(); ++i) {
      EXPECT_NEAR(cut.gradients()[i], whole.gradients()[i], 1e-7);
    }
  }
  EXPECT_EQ(after_a_step(1, 1).trained_tokens.size(), 23U) << "an example alone at the least";
  EXPECT_EQ(after_a_step(1, all).gradients(), whole.gradients());
}

TEST(preference_trainer, computes_a_response_once_for_all_its_pairs) {
  const preference_dataset data = test::small_data(4, 8, 9);  // 28 pairs a prompt
  std::size_t tokens = 0;
  for (const auto& response : data.responses) tokens += response.tokens.size();
  bigram_model model(9);
  auto options = test::quiet_options();
  options.batch_size = 28;
  options.together = 0;
  adamw optimizer;
  preference_trainer(model, data, dpo(0.1), options).train(optimizer);
  EXPECT_EQ(model.tokens_computed, 2 * tokens);  // reference and one epoch
}

TEST(preference_trainer, computes_no_reference_for_a_loss_that_reads_none) {
  const preference_dataset data = test::small_data(4, 3, 9);
  const test::temporary_folder folder;
  auto options = test::quiet_options();
  options.folder = folder / "run";
  options.max_steps = 1;
  options.batch_size = data.pairs.size();
  bigram_model model(9);
  adamw optimizer;
  preference_trainer(model, data, slic(1.0, 0.1), options).train(optimizer);
  EXPECT_FALSE(std::filesystem::exists(options.folder / "reference_log_probs.json"));
  std::size_t tokens = 0;
  for (const auto& response : data.responses) tokens += response.tokens.size();
  EXPECT_EQ(model.tokens_computed, tokens);
}

TEST(preference_trainer, learns_by_a_hinge_that_turns_nan_into_0) {
  const preference_dataset data = test::small_data(4, 3, 9);
  bigram_model model(9);
  auto options = test::quiet_options();
  options.max_steps = 1;
  adamw optimizer;
  const auto result =
      preference_trainer(model, data, test::swallowing_hinge{}, options).train(optimizer);
  EXPECT_EQ(test::metric(result.metrics, "loss"), 1.0);  // h is 0
  EXPECT_GT(test::metric(result.metrics, "grad_norm"), 0.0);
}

TEST(preference_trainer, reuses_a_stored_reference_and_recomputes_a_stale_one) {
  const preference_dataset data = test::small_data(3, 3, 9);
  const test::temporary_folder folder;
  std::ostringstream said;
  auto options = test::quiet_options();
  options.max_steps = 1;
  options.batch_size = data.pairs.size();
  options.progress = {.out = &said, .style = progress_style::lines};
  const auto run = [&](std::uint64_t seed, const preference_dataset& set) {
    bigram_model model(9, seed);
    preference_trainer trainer(model, set, dpo(0.1), options);
    trainer.store_reference_in(folder / "reference.json");
    adamw optimizer;
    const auto result = trainer.train(optimizer);
    EXPECT_EQ(test::metric(result.metrics, "loss"), std::numbers::ln2);
    return model.tokens_computed;
  };
  const std::size_t computed = run(1, data);
  EXPECT_EQ(run(1, data), computed / 2);
  EXPECT_EQ(said.str().find("stale"), std::string::npos);
  EXPECT_EQ(run(2, data), computed);
  EXPECT_NE(said.str().find("it belongs to other reference weights; it is computed anew"),
            std::string::npos);
  preference_dataset other = data;
  other.prompts[0].back() = (other.prompts[0].back() + 1) % 9;
  EXPECT_EQ(run(2, other), computed);
  EXPECT_NE(said.str().find("it belongs to other data or tokens"), std::string::npos);
}

TEST(preference_trainer, writes_nothing_into_a_folder_that_another_run_is_writing_to) {
  const preference_dataset data = test::small_data(3, 3, 9);
  const test::temporary_folder folder;
  auto options = test::quiet_options();
  options.folder = folder.path();
  bigram_model model(9);
  preference_trainer trainer(model, data, dpo(0.1), options);
  adamw optimizer;
  {
    const folder_lock other(folder.path());
    EXPECT_THROW(trainer.train(optimizer), usage_error);
    EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
  }
  EXPECT_TRUE(trainer.train(optimizer).finished);
  EXPECT_TRUE(std::filesystem::exists(folder / "reference_log_probs.json"));
}

TEST(preference_trainer, takes_the_reference_of_another_model) {
  const preference_dataset data = test::small_data(3, 3, 9);
  bigram_model other(9, 2);
  auto options = test::quiet_options();
  options.max_steps = 1;
  options.batch_size = data.pairs.size();
  std::vector<double> reference = compute_log_probs(other, data, 4096, options.progress);
  bigram_model model(9);
  const auto policy = compute_log_probs(model, data, 4096, options.progress);
  adamw optimizer;
  preference_trainer trainer(model, data, dpo(0.1), options);
  trainer.use_reference(reference);
  double margin = 0.0;
  for (const ranked_pair& pair : data.pairs) {
    margin += 0.1 * (policy[pair.winner] - reference[pair.winner] - policy[pair.loser] +
                     reference[pair.loser]);
  }
  const auto result = trainer.train(optimizer);
  EXPECT_NEAR(test::metric(result.metrics, "rewards/margins"),
              margin / static_cast<double>(data.pairs.size()), 1e-12);
  reference.pop_back();
  trainer.use_reference(reference);
  test::expect_error<usage_error>([&] { trainer.train(optimizer); }, "finite log-prob");
}

TEST(preference_trainer, reports_trls_metrics_each_step) {
  const preference_dataset data = test::small_data(4, 3, 9);
  const test::temporary_folder folder;
  auto options = test::quiet_options();
  options.folder = folder / "run";
  options.evaluate_every = 1;
  options.batch_size = 6;
  bigram_model model(9);
  preference_trainer trainer(model, data, dpo(0.1), options);
  trainer.evaluate_on(data);
  adamw optimizer;
  trainer.train(optimizer);
  const auto lines = test::lines_of(options.folder / "metrics.jsonl");
  ASSERT_EQ(lines.size(), 4U);  // two steps, an evaluation after each
  const auto step = nlohmann::json::parse(lines[2]);
  for (const char* name : {"loss", "rewards/chosen", "rewards/rejected", "rewards/accuracies",
                           "rewards/margins", "logps/chosen", "logps/rejected", "grad_norm",
                           "learning_rate", "step_seconds", "tokens_per_second"}) {
    EXPECT_TRUE(step.at(name).is_number()) << name;
  }
  EXPECT_EQ(step.at("step"), 2);
  EXPECT_EQ(step.at("epoch"), 1.0);
  EXPECT_TRUE(nlohmann::json::parse(lines[3]).at("eval_rewards/margins").is_number());
}

TEST(preference_trainer, trains_towards_sft_targets) {
  preference_dataset data = test::small_data(3, 3, 9);
  const auto loss = slic(1.0, target_nll{0.5});
  bigram_model model(9);
  auto options = test::quiet_options();
  options.epochs = 10;
  adamw optimizer;
  preference_trainer trainer(model, data, loss, options);
  test::expect_error<usage_error>([&] { trainer.train(optimizer); }, "call use_targets");
  trainer.use_targets({0});
  test::expect_error<usage_error>([&] { trainer.train(optimizer); }, "1 SFT targets for 9 pairs");
  trainer.use_targets(std::vector<std::size_t>(9, 0));
  test::expect_error<usage_error>([&] { trainer.train(optimizer); }, "pair 3: SFT target 0");
  std::vector<std::size_t> targets;  // every prompt's worst response, against the pairs
  for (const ranked_pair& pair : data.pairs) {
    targets.push_back(3 * data.responses[pair.winner].prompt);
  }
  trainer.use_targets(targets);
  const auto before = compute_log_probs(model, data, 4096, options.progress);
  trainer.train(optimizer);
  const auto after = compute_log_probs(model, data, 4096, options.progress);
  EXPECT_GT(after[0] + after[3] + after[6], before[0] + before[3] + before[6]);
}

TEST(preference_trainer, refuses_scores_that_the_offset_has_no_value_for) {
  preference_dataset data = test::small_data(3, 3, 9);
  data.responses[data.pairs[4].winner].score = data.responses[data.pairs[4].loser].score;
  bigram_model model(9);
  EXPECT_THROW(preference_trainer(model, data, odpo(0.1), test::quiet_options()), score_error);
  preference_trainer(model, data, dpo(0.1), test::quiet_options());  // reads no scores
}

TEST(preference_trainer, trains_dpo_on_data_without_scores) {
  preference_dataset data = test::small_data(3, 3, 9);
  for (auto& response : data.responses) {
    response.score = std::numeric_limits<double>::quiet_NaN();
  }
  bigram_model model(9);
  adamw optimizer;
  EXPECT_TRUE(
      preference_trainer(model, data, dpo(0.1), test::quiet_options()).train(optimizer).finished);
}

}  // namespace
}  // namespace prefopt
