// The trainers with the model that they are for: what holds for a small model must hold here too.
#include <csignal>
#include <numbers>
#include <optional>
#include <vector>

#include <gtest/gtest.h>
#include <omp.h>

#include <prefopt/loss/presets.hpp>
#include <prefopt/model/eigen_transformer.hpp>
#include <prefopt/train/adamw.hpp>
#include <prefopt/train/preference_trainer.hpp>
#include <prefopt/train/sft_trainer.hpp>

#include "support/temporary_folder.hpp"
#include "train/in_child.hpp"
#include "train/small_data.hpp"

namespace prefopt {
namespace {

using model_type = eigen_transformer;

transformer_config small_config(bool llama) {
  transformer_config config;
  config.vocabulary = 37;
  config.width = 24;
  config.layers = 2;
  config.heads = 3;
  config.kv_heads = llama ? 1 : 3;
  config.head_width = 8;
  config.hidden = 40;
  config.max_positions = 16;
  if (llama) {
    config.norm = transformer_config::norm_kind::rms;
    config.positions = transformer_config::position_kind::rotary_half;
    config.activation = transformer_config::activation_kind::silu;
    config.gated = true;
    config.qkv_bias = config.output_bias = false;
    config.feed_forward_bias = false;
  }
  return config;
}

model_type small_model(bool llama) {
  model_type model(small_config(llama));
  model.initialize(5);
  return model;
}

/// While one lives, one thread: a forked child has none of its parent's, and for so small a model
/// more are slower.
class one_thread {
 public:
  one_thread() { omp_set_num_threads(1); }
  one_thread(const one_thread&) = delete;
  one_thread& operator=(const one_thread&) = delete;
  ~one_thread() { omp_set_num_threads(before_); }

 private:
  int before_ = omp_get_max_threads();
};

std::vector<float> weights_of(model_type& model) {
  std::vector<float> all;
  for (const parameter& p : model.parameters()) {
    all.insert(all.end(), p.value.begin(), p.value.end());
  }
  return all;
}

TEST(transformer_training, begins_at_ln_2_exactly_at_every_batch_size) {
  const preference_dataset data = test::small_data(5, 4, 37);
  for (const bool llama : {false, true}) {
    for (const std::size_t batch : {1UL, 7UL, 30UL}) {
      std::optional<one_thread> limit;
      if (batch != 7) limit.emplace();  // and once with all threads
      model_type model = small_model(llama);
      auto options = test::quiet_options();
      options.max_steps = 1;
      options.batch_size = batch;
      adamw optimizer;
      const auto result = preference_trainer(model, data, dpo(0.1), options).train(optimizer);
      EXPECT_EQ(test::metric(result.metrics, "loss"), std::numbers::ln2);
      EXPECT_EQ(test::metric(result.metrics, "rewards/chosen"), 0.0);
      EXPECT_EQ(test::metric(result.metrics, "rewards/margins"), 0.0);
    }
  }
}

TEST(transformer_training, learns_to_prefer_the_winners) {
  const one_thread limit;
  const preference_dataset data = test::small_data(6, 3, 37);
  for (const bool llama : {false, true}) {
    model_type model = small_model(llama);
    auto options = test::quiet_options();
    options.epochs = 12;
    options.learning_rate = 3e-3;
    options.shuffle = training_options::shuffle_kind::prompts;
    preference_trainer trainer(model, data, odpo(0.5, 0.5), options);
    trainer.evaluate_on(data);
    adamw optimizer;
    const auto result = trainer.train(optimizer);
    EXPECT_EQ(test::metric(result.metrics, "eval_rewards/accuracies"), 1.0);
    EXPECT_GT(test::metric(result.metrics, "eval_rewards/margins"), 0.5);
  }
}

TEST(transformer_training, learns_texts) {
  const one_thread limit;
  std::vector<sft_example> examples;
  for (token_id i = 0; i < 12; ++i) {
    examples.push_back({{i}, {(i + 5) % 37, (i + 11) % 37, (2 * i) % 37}});
  }
  model_type model = small_model(true);
  auto options = test::quiet_options();
  options.epochs = 80;
  options.batch_size = 4;
  options.learning_rate = 1e-2;
  adamw optimizer;
  const auto result = sft_trainer(model, examples, options).train(optimizer);
  EXPECT_LT(test::metric(result.metrics, "loss"), 0.1);
}

TEST(transformer_training, resumed_after_sigkill_ends_bit_for_bit_where_an_unbroken_run_does) {
  const one_thread limit;
  const preference_dataset data = test::small_data(6, 3, 37);
  auto options = test::quiet_options();
  options.epochs = 3;  // 9 steps
  options.batch_size = 6;
  options.accumulation = 2;
  options.learning_rate = 3e-3;
  options.schedule = learning_rate_schedule::kind::linear;
  const auto train = [&](model_type& model) {
    adamw optimizer;
    return preference_trainer(model, data, odpo(0.5), options).train(optimizer).finished ? 0 : 1;
  };
  for (const bool llama : {false, true}) {
    model_type unbroken = small_model(llama);
    options.folder.clear();
    options.checkpoint_every = 0;
    options.resume = false;
    ASSERT_EQ(train(unbroken), 0);

    const test::temporary_folder folder;
    options.folder = folder / "run";
    options.checkpoint_every = 2;
    options.resume = true;
    for (const std::size_t kill_step : {1UL, 5UL, 8UL}) {
      options.on_step = [&](std::size_t step, const metric_list&) {
        if (step == kill_step) std::raise(SIGKILL);
        return true;
      };
      EXPECT_TRUE(test::was_killed(test::in_child([&] {
        model_type model = small_model(llama);
        return train(model);
      })));
    }
    options.on_step = {};
    model_type resumed = small_model(llama);
    EXPECT_EQ(train(resumed), 0);
    EXPECT_EQ(weights_of(resumed), weights_of(unbroken));
  }
}

}  // namespace
}  // namespace prefopt
