#include <prefopt/train/sft_trainer.hpp>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

#include <prefopt/train/adamw.hpp>

#include "support/damage.hpp"
#include "support/temporary_folder.hpp"
#include "train/bigram_model.hpp"
#include "train/in_child.hpp"
#include "train/small_data.hpp"

namespace prefopt {
namespace {

using test::bigram_model;

std::vector<sft_example> small_examples() {
  std::vector<sft_example> examples;
  for (token_id i = 0; i < 12; ++i) {
    examples.push_back({{i % 5}, {(i + 1) % 5, (i + 2) % 5}});
    if (i % 3 == 0) examples.back().response.push_back((i + 3) % 5);
  }
  return examples;
}

TEST(sft_trainer, reports_the_negative_mean_log_prob_of_a_token) {
  const auto examples = small_examples();
  bigram_model model(5);
  double sum = 0.0;
  double tokens = 0.0;
  for (const sft_example& example : examples) {
    std::vector<double> log_prob(1);
    model.log_probs({{{example.prompt, {example.response}}}}, log_prob);
    sum -= log_prob[0];
    tokens += static_cast<double>(example.response.size());
  }
  auto options = test::quiet_options();
  options.max_steps = 1;
  options.batch_size = examples.size();
  options.accumulation = 3;
  options.learning_rate = 0.0;
  sft_trainer trainer(model, examples, options);
  trainer.evaluate_on(examples);
  adamw optimizer;
  const auto result = trainer.train(optimizer);
  EXPECT_NEAR(test::metric(result.metrics, "loss"), sum / tokens, 1e-12);
  EXPECT_NEAR(test::metric(result.metrics, "eval_loss"), sum / tokens, 1e-12);
}

TEST(sft_trainer, cuts_a_step_so_that_no_part_has_too_many_tokens) {
  const auto examples = small_examples();
  std::size_t all = 0;
  std::size_t longest = 0;
  for (const sft_example& example : examples) {
    const std::size_t tokens = example.prompt.size() + example.response.size();
    all += tokens;
    longest = std::max(longest, tokens);
  }
  const auto parts = [&](std::size_t most) {
    bigram_model model(5);
    auto options = test::quiet_options();
    options.max_steps = 1;
    options.batch_size = examples.size();
    options.part_tokens = most;
    adamw optimizer;
    sft_trainer(model, examples, options).train(optimizer);
    return model.trained_tokens;
  };
  EXPECT_EQ(parts(all), std::vector<std::size_t>{all});
  const auto cut = parts(longest);
  EXPECT_GT(cut.size(), 1U);
  EXPECT_EQ(std::accumulate(cut.begin(), cut.end(), std::size_t{0}), all);
  EXPECT_LE(*std::max_element(cut.begin(), cut.end()), longest);
}

TEST(sft_trainer, has_the_gradient_of_the_reported_loss) {
  const auto examples = small_examples();
  const auto loss_at = [&](std::size_t weight, float change, std::vector<float>* gradient) {
    bigram_model model(5);
    model.parameters()[0].value[weight] += change;
    auto options = test::quiet_options();
    options.max_steps = 1;
    options.batch_size = examples.size();
    options.accumulation = 5;
    options.learning_rate = 0.0;
    adamw optimizer;
    const auto result = sft_trainer(model, examples, options).train(optimizer);
    if (gradient != nullptr) *gradient = model.gradients();
    return test::metric(result.metrics, "loss");
  };
  std::vector<float> gradient;
  loss_at(0, 0.0F, &gradient);
  for (const std::size_t weight : {0UL, 6UL, 24UL}) {
    const double slope =
        (loss_at(weight, 0.0625F, nullptr) - loss_at(weight, -0.0625F, nullptr)) / 0.125;
    EXPECT_NEAR(gradient[weight], slope, 1e-4);
  }
}

TEST(sft_trainer, learns_what_follows_what) {
  const auto examples = small_examples();
  bigram_model model(5);
  auto options = test::quiet_options();
  options.epochs = 60;
  options.batch_size = 4;
  adamw optimizer;
  const auto result = sft_trainer(model, examples, options).train(optimizer);
  EXPECT_TRUE(result.finished);
  EXPECT_LT(test::metric(result.metrics, "loss"), 0.1);  // each token decides the next
}

TEST(sft_trainer, resumed_after_sigkill_ends_bit_for_bit_where_an_unbroken_run_does) {
  const auto examples = small_examples();
  auto options = test::quiet_options();
  options.epochs = 3;
  options.batch_size = 5;
  bigram_model unbroken(5);
  adamw first;
  sft_trainer(unbroken, examples, options).train(first);

  const test::temporary_folder folder;
  options.folder = folder / "run";
  options.checkpoint_every = 2;
  options.resume = true;
  options.on_step = [](std::size_t step, const metric_list&) {
    if (step == 5) std::raise(SIGKILL);
    return true;
  };
  ASSERT_TRUE(test::was_killed(test::in_child([&] {
    bigram_model model(5);
    adamw optimizer;
    sft_trainer(model, examples, options).train(optimizer);
    return 0;
  })));
  options.on_step = {};
  bigram_model resumed(5);
  adamw second;
  EXPECT_TRUE(sft_trainer(resumed, examples, options).train(second).finished);
  EXPECT_EQ(resumed.weights(), unbroken.weights());
}

TEST(example_of_text, leaves_only_the_first_token_out) {
  const std::vector<token_id> text = {4, 3, 2};
  const sft_example example = example_of_text(text);
  EXPECT_EQ(example.prompt, (token_sequence{4}));
  EXPECT_EQ(example.response, (token_sequence{3, 2}));
  EXPECT_THROW(example_of_text(std::vector<token_id>{4}), usage_error);
}

TEST(sft_trainer, refuses_empty_examples) {
  bigram_model model(5);
  const std::vector<sft_example> none;
  EXPECT_THROW(sft_trainer(model, none, test::quiet_options()), usage_error);
  const std::vector<sft_example> bad = {{{1}, {2}}, {{}, {2}}};
  test::expect_error<usage_error>([&] { sft_trainer(model, bad, test::quiet_options()); },
                                  "example 1 has an empty prompt");
}

}  // namespace
}  // namespace prefopt
