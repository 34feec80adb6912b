// The trainers with the model that they are for: what holds for a small model must hold here too.
#include <csignal>
#include <numbers>
#include <optional>
#include <vector>

#include <gtest/gtest.h>
#include <omp.h>

#include <prefopt/backend/eigen/eigen_backend.hpp>
#include <prefopt/backend/product_kind.hpp>
#include <prefopt/loss/presets.hpp>
#include <prefopt/model/architectures.hpp>
#include <prefopt/model/eigen_transformer.hpp>
#include <prefopt/model/lora_layout.hpp>
#include <prefopt/model/reference_view.hpp>
#include <prefopt/model/safetensors.hpp>
#include <prefopt/train/adamw.hpp>
#include <prefopt/train/preference_trainer.hpp>
#include <prefopt/train/sft_trainer.hpp>

#include "backend/products_of.hpp"
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

/// With larger weights, whose head an adapter does not change but can use.
model_type base_model(bool llama) {
  model_type model = small_model(llama);
  for (const parameter& p : model.parameters()) {
    for (float& value : p.value) value *= p.decays ? 10.0F : 1.0F;
  }
  model.parameters_changed();
  return model;
}

/// The same with an adapter of every matrix.
model_type adapted_model_of(bool llama, const lora_options& options = {.rank = 4, .alpha = 8}) {
  model_type model = base_model(llama);
  model.add_adapter(
      lora_modules(find_architecture(llama ? "llama" : "gpt2"), small_config(llama), options),
      options, 9);
  return model;
}

std::vector<float> base_weights_of(model_type& model) {
  std::vector<float> all;
  for (const parameter& p : model.base_parameters()) {
    all.insert(all.end(), p.value.begin(), p.value.end());
  }
  return all;
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

/// In bfloat16 too: policy and reference are rounded alike.
TEST(transformer_training, begins_at_ln_2_exactly_at_every_batch_size) {
  const preference_dataset data = test::small_data(5, 4, 37);
  for (const product_kind kind : {product_kind::float32, product_kind::bfloat16}) {
    const test::products_of<eigen_backend> products(kind);
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
}

/// Numbers of another kind would be other log-probs: neither a run nor a stored reference is used.
TEST(transformer_training, keeps_to_the_numbers_of_its_products) {
  const test::temporary_folder folder;
  const preference_dataset data = test::small_data(5, 4, 37);
  auto options = test::quiet_options();
  options.max_steps = 1;
  options.folder = folder.path() / "run";
  const auto begin = [&](model_type& model) {
    preference_trainer trainer(model, data, dpo(0.1), options);
    trainer.store_reference_in(folder.path() / "reference.json");
    adamw optimizer;
    return trainer.train(optimizer);
  };
  model_type first = small_model(false);
  begin(first);
  options.resume = true;
  const test::products_of<eigen_backend> bfloat16(product_kind::bfloat16);
  model_type again = small_model(false);
  EXPECT_THROW(begin(again), run_settings_error);
  options.resume = false;
  options.folder = folder.path() / "another";
  EXPECT_EQ(test::metric(begin(again).metrics, "loss"), std::numbers::ln2);
}

/// The losses of 100 steps.
std::vector<double> loss_curve(bool llama, product_kind kind) {
  const test::products_of<eigen_backend> products(kind);
  model_type model = small_model(llama);
  auto options = test::quiet_options();
  options.epochs = 0;
  options.max_steps = 100;
  options.batch_size = 12;
  options.learning_rate = 1e-3;
  std::vector<double> losses;
  options.on_step = [&](std::size_t, const metric_list& metrics) {
    losses.push_back(test::metric(metrics, "loss"));
    return true;
  };
  adamw optimizer;
  const preference_dataset data = test::small_data(6, 4, 37);
  preference_trainer(model, data, odpo(0.5, 0.5), options).train(optimizer);
  return losses;
}

TEST(transformer_training, goes_in_bfloat16_as_in_float32_within_a_percent) {
  const one_thread limit;
  for (const bool llama : {false, true}) {
    const std::vector<double> exact = loss_curve(llama, product_kind::float32);
    const std::vector<double> found = loss_curve(llama, product_kind::bfloat16);
    ASSERT_EQ(exact.size(), 100U);
    ASSERT_EQ(found.size(), 100U);
    EXPECT_LT(exact.back(), 0.8 * exact.front());
    for (std::size_t step = 0; step < 100; ++step) {
      EXPECT_NEAR(found[step], exact[step], 0.01 * exact[step]) << step;
    }
    EXPECT_NE(found, exact);
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
    options.together = 0;
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

TEST(adapter_training, begins_at_ln_2_exactly) {
  const preference_dataset data = test::small_data(5, 4, 37);
  for (const bool llama : {false, true}) {
    model_type model = adapted_model_of(llama);
    auto options = test::quiet_options();
    options.max_steps = 1;
    options.batch_size = 7;
    adamw optimizer;
    const auto result = preference_trainer(model, data, dpo(0.1), options).train(optimizer);
    EXPECT_EQ(test::metric(result.metrics, "loss"), std::numbers::ln2);
    EXPECT_EQ(test::metric(result.metrics, "rewards/chosen"), 0.0);
  }
}

TEST(adapter_training, learns_to_prefer_the_winners_and_leaves_the_model_as_it_was) {
  const one_thread limit;
  const preference_dataset data = test::small_data(6, 3, 37);
  for (const bool llama : {false, true}) {
    model_type plain = base_model(llama);
    model_type model = adapted_model_of(llama);
    auto options = test::quiet_options();
    options.epochs = 16;
    options.learning_rate = 1e-2;
    options.together = 0;
    preference_trainer trainer(model, data, odpo(0.5, 0.5), options);
    trainer.evaluate_on(data);
    adamw optimizer;
    const auto result = trainer.train(optimizer);
    EXPECT_EQ(test::metric(result.metrics, "eval_rewards/accuracies"), 1.0);
    EXPECT_GT(test::metric(result.metrics, "eval_rewards/margins"), 0.5);
    EXPECT_EQ(base_weights_of(model), weights_of(plain));
    EXPECT_TRUE(model.adapter_active());
    reference_view view(model);
    EXPECT_EQ(compute_log_probs(view, data, 4096, options.progress),
              compute_log_probs(plain, data, 4096, options.progress));
  }
}

// The reference is the model without its adapter, also where the adapter was trained before.
TEST(adapter_training, measures_a_trained_adapter_against_the_model_without) {
  const preference_dataset data = test::small_data(3, 2, 37);
  model_type model = adapted_model_of(true);
  for (const parameter& p : model.parameters()) {
    for (float& value : p.value) value += 0.1F;
  }
  model.parameters_changed();
  auto options = test::quiet_options();
  options.max_steps = 1;
  adamw optimizer;
  const auto result = preference_trainer(model, data, dpo(0.1), options).train(optimizer);
  EXPECT_NE(test::metric(result.metrics, "rewards/chosen"), 0.0);
}

TEST(adapter_training, learns_texts) {
  const one_thread limit;
  std::vector<sft_example> examples;
  for (token_id i = 0; i < 4; ++i) examples.push_back({{i}, {(i + 5) % 37, (i + 11) % 37}});
  model_type model = adapted_model_of(true);
  auto options = test::quiet_options();
  options.epochs = 60;
  options.batch_size = 4;
  options.learning_rate = 2e-2;
  adamw optimizer;
  std::vector<double> losses;
  options.on_step = [&](std::size_t, const metric_list& metrics) {
    losses.push_back(test::metric(metrics, "loss"));
    return true;
  };
  sft_trainer(model, examples, options).train(optimizer);
  EXPECT_LT(losses.back(), 0.5 * losses.front());
}

TEST(adapter_training, resumed_from_the_adapter_alone_ends_bit_for_bit_as_an_unbroken_run) {
  const one_thread limit;
  const preference_dataset data = test::small_data(6, 3, 37);
  auto options = test::quiet_options();
  options.epochs = 3;  // 9 steps
  options.batch_size = 6;
  options.learning_rate = 1e-2;
  const auto train = [&](model_type& model) {
    adamw optimizer;
    return preference_trainer(model, data, odpo(0.5), options).train(optimizer);
  };
  model_type unbroken = adapted_model_of(true);
  train(unbroken);
  const test::temporary_folder folder;
  options.folder = folder / "run";
  options.checkpoint_every = 4;
  options.resume = true;
  options.on_step = [](std::size_t step, const metric_list&) { return step != 4; };
  model_type first = adapted_model_of(true);
  EXPECT_FALSE(train(first).finished);
  options.on_step = {};
  model_type resumed = adapted_model_of(true);
  EXPECT_TRUE(train(resumed).finished);
  EXPECT_EQ(weights_of(resumed), weights_of(unbroken));

  const run_checkpoints checkpoints(options.folder / "checkpoints", 0);
  const auto last = checkpoints.path_of(checkpoints.steps().back());
  const safetensors_file saved(last / "weights.safetensors");
  EXPECT_EQ(saved.names().size(), unbroken.parameters().size());
  for (const auto& name : saved.names()) EXPECT_NE(name.find(".lora_"), std::string::npos);

  // Another scale or another model: the checkpoints belong to another run.
  model_type scaled = adapted_model_of(true, {.rank = 4, .alpha = 9});
  EXPECT_THROW(train(scaled), run_settings_error);
  model_type other = adapted_model_of(true);
  other.remove_adapter();
  other.parameters()[0].value[0] += 1.0F;
  other.parameters_changed();
  other.add_adapter(first.adapter_modules(), first.adapter_options(), 9);
  EXPECT_THROW(train(other), run_settings_error);
}

}  // namespace
}  // namespace prefopt
