// Models on the CUDA backend against the same ones on the CPU: log-probs, every gradient, training
// step by step, sampling token by token, and a classifier.
#include <prefopt/cuda.cuh>

#include <omp.h>

#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <prefopt/loss/presets.hpp>
#include <prefopt/model/architectures.hpp>
#include <prefopt/model/eigen_classifier.hpp>
#include <prefopt/model/eigen_transformer.hpp>
#include <prefopt/model/encoder_classifier.hpp>
#include <prefopt/model/lora_layout.hpp>
#include <prefopt/model/transformer.hpp>
#include <prefopt/sample/sampler.hpp>
#include <prefopt/train/adamw.hpp>
#include <prefopt/train/gradient_norm.hpp>
#include <prefopt/train/preference_batch.hpp>
#include <prefopt/train/train_step.hpp>

#include "cuda/settings.hpp"
#include "support/test_models.hpp"

namespace prefopt {
namespace {

using cuda_transformer = transformer<cuda_backend>;
using cuda_classifier = encoder_classifier<cuda_backend>;

/// The parameters' values are those of another model.
template <class To, class From>
void assign_weights(To& to, From& from) {
  const auto target = to.parameters();
  const auto source = from.parameters();
  ASSERT_EQ(target.size(), source.size());
  for (std::size_t i = 0; i < target.size(); ++i) {
    ASSERT_EQ(target[i].name, source[i].name);
    std::copy(source[i].value.begin(), source[i].value.end(), target[i].value.begin());
  }
  to.parameters_changed();
}

/// Element by element within `tolerance` of the largest number of the array.
void expect_same(std::span<const float> found, std::span<const float> expected, float tolerance,
                 const std::string& what) {
  ASSERT_EQ(found.size(), expected.size()) << what;
  float largest = 0.0F;
  for (const float value : expected) largest = std::max(largest, std::abs(value));
  for (std::size_t i = 0; i < found.size(); ++i) {
    ASSERT_NEAR(found[i], expected[i], tolerance * largest) << what << ", element " << i;
  }
}

template <class Cuda, class Cpu>
void expect_same_gradients(Cuda& on_device, Cpu& on_host) {
  const auto found = on_device.parameters();
  const auto expected = on_host.parameters();
  for (std::size_t i = 0; i < found.size(); ++i) {
    expect_same(found[i].gradient, expected[i].gradient, 2e-4F, found[i].name);
  }
}

/// Two prompts, with three responses and one; one response is a single token.
response_batch small_batch() {
  static const token_sequence x1{5, 6, 7, 8, 9}, x2{60};
  static const token_sequence y1{1, 2, 3, 4, 5, 6, 7}, y2{3}, y3{9, 9, 2}, y4{7, 30, 31, 5, 2, 0};
  return {{{x1, {y1, y2, y3}}, {x2, {y4}}}};
}

class cuda_models : public testing::TestWithParam<transformer_config> {
 protected:
  cuda_models() { omp_set_num_threads(1); }
  ~cuda_models() override { omp_set_num_threads(threads_); }

  [[nodiscard]] static cuda_transformer on_device(eigen_transformer& like) {
    cuda_transformer model(like.config());
    assign_weights(model, like);
    return model;
  }

 private:
  int threads_ = omp_get_max_threads();
};

INSTANTIATE_TEST_SUITE_P(kinds, cuda_models,
                         testing::Values(test::odd_gpt2(), test::odd_llama(), test::odd_gptj(),
                                         test::odd_qwen3()),
                         [](const auto& tested) {
                           if (tested.param.head_norm) return std::string("qwen3");
                           if (tested.param.head_bias) return std::string("gptj");
                           return std::string(tested.param.gated ? "llama" : "gpt2");
                         });

TEST_P(cuda_models, log_probs_and_gradients_are_those_of_the_cpu) {
  eigen_transformer expected = test::random_transformer(GetParam());
  cuda_transformer model = on_device(expected);
  const response_batch batch = small_batch();
  std::vector<double> found(4), wanted(4), again(4);
  expected.forward(batch, wanted);
  model.log_probs(batch, again);
  model.forward(batch, found);
  for (std::size_t r = 0; r < 4; ++r) {
    EXPECT_NEAR(found[r], wanted[r], 1e-4 * std::abs(wanted[r]));
    EXPECT_EQ(found[r], again[r]);
  }
  const std::vector<double> weights{0.5, -1.0, 0.25, 2.0};
  expected.zero_gradients();
  expected.backward(weights);
  for (const int round : {1, 2}) {  // the second time over what the first has left
    if (round == 2) model.forward(batch, found);
    model.zero_gradients();
    model.backward(weights);
    expect_same_gradients(model, expected);
  }
}

TEST_P(cuda_models, the_same_calls_give_the_same_bits) {
  eigen_transformer start = test::random_transformer(GetParam());
  cuda_transformer model = on_device(start);
  const std::vector<double> weights{0.5, -1.0, 0.25, 2.0};
  std::vector<double> log_probs(4), first_log_probs(4);
  const auto gradients = [&](std::span<double> to) {
    model.forward(small_batch(), to);
    model.zero_gradients();
    model.backward(weights);
    std::vector<float> all;
    for (const parameter& p : model.parameters()) {
      all.insert(all.end(), p.gradient.begin(), p.gradient.end());
    }
    return all;
  };
  const std::vector<float> first = gradients(first_log_probs);
  EXPECT_EQ(gradients(log_probs), first);
  EXPECT_EQ(log_probs, first_log_probs);
}

/// Ten ODPO steps of AdamW with clipping: the loss of every step, and the weights at the end.
template <class Model>
std::vector<double> train(Model& model) {
  const std::vector<ranked_pair> pairs{{0, 1}, {0, 2}, {2, 1}};
  const std::vector<double> scores{3.0, 1.0, 1.5, 0.5};
  std::vector<double> reference(4);
  model.log_probs(small_batch(), reference);
  const preference_batch batch{.responses = small_batch(),
                               .pairs = pairs,
                               .reference_log_probs = reference,
                               .scores = scores};
  // With the usual epsilon a gradient that is 0 but for rounding, as that of the keys' bias, makes
  // steps as large as any.
  adamw optimizer({.epsilon = 1e-4});
  std::vector<double> losses;
  for (int step = 0; step < 10; ++step) {
    model.zero_gradients();
    const preference_metrics metrics = train_step(model, batch, odpo(0.5, 0.7));
    losses.push_back(metrics.loss());
    const auto parameters = model.parameters();
    optimizer.step(parameters, 1e-3, clip_factor(gradient_norm(parameters), 1.0));
    model.parameters_changed();
  }
  return losses;
}

void expect_training_as_on_the_cpu(eigen_transformer& expected, cuda_transformer& model) {
  const std::vector<double> wanted = train(expected);
  const std::vector<double> found = train(model);
  for (std::size_t step = 0; step < wanted.size(); ++step) {
    EXPECT_NEAR(found[step], wanted[step], 1e-3 * (1.0 + std::abs(wanted[step]))) << step;
  }
  EXPECT_LT(found.back(), found.front());
  const auto weights = model.parameters();
  for (std::size_t i = 0; i < weights.size(); ++i) {
    expect_same(weights[i].value, expected.parameters()[i].value, 1e-3F, weights[i].name);
  }
}

TEST_P(cuda_models, ten_odpo_steps_are_those_of_the_cpu) {
  eigen_transformer expected = test::random_transformer(GetParam());
  cuda_transformer model = on_device(expected);
  expect_training_as_on_the_cpu(expected, model);
}

TEST_P(cuda_models, ten_odpo_steps_with_attention_by_products_are_those_of_the_cpu) {
  const test::attention_by products(gpu::attention_form::batched);
  eigen_transformer expected = test::random_transformer(GetParam());
  cuda_transformer model = on_device(expected);
  expect_training_as_on_the_cpu(expected, model);
}

/// In any form and kind of products, so that policy and reference agree in any two batches.
TEST_P(cuda_models, a_response_has_one_log_prob_in_every_batch) {
  eigen_transformer start = test::random_transformer(GetParam());
  cuda_transformer model = on_device(start);
  const response_batch together = small_batch();
  for (const auto form : {gpu::attention_form::tiled, gpu::attention_form::batched}) {
    for (const auto kind : {product_kind::float32, product_kind::tf32, product_kind::bfloat16}) {
      const test::attention_by attention(form);
      const test::products_of_cuda products(kind);
      model.parameters_changed();
      std::vector<double> all(4);
      model.log_probs(together, all);
      std::size_t response = 0;
      for (const response_group& group : together.groups) {
        for (const auto& y : group.responses) {
          std::vector<double> alone(1);
          model.log_probs(response_batch{{{group.prompt, {y}}}}, alone);
          EXPECT_EQ(alone[0], all[response++]);
        }
      }
    }
  }
}

TEST_P(cuda_models, sampling_gives_the_tokens_of_the_cpu) {
  eigen_transformer expected = test::random_transformer(GetParam());
  cuda_transformer model = on_device(expected);
  const std::vector<token_sequence> prompts{{5, 6, 7}, {60}, {1, 2, 3, 4, 5, 6, 7, 8}};
  for (const draw_options how :
       {draw_options{.temperature = 0.0}, draw_options{}, draw_options{.top_k = 7},
        draw_options{.temperature = 1.5, .top_p = 0.8},
        draw_options{.temperature = 0.7, .top_k = 20, .top_p = 0.9}}) {
    const sampling_options options{.temperature = how.temperature,
                                   .top_k = how.top_k,
                                   .top_p = how.top_p,
                                   .max_new_tokens = 12,
                                   .end_tokens = {5},
                                   .responses = 2,
                                   .batch_rows = 4};
    const auto wanted = sample(expected, prompts, options);
    const auto found = sample(model, prompts, options);
    ASSERT_EQ(found.size(), wanted.size());
    for (std::size_t p = 0; p < found.size(); ++p) {
      ASSERT_EQ(found[p].size(), wanted[p].size());
      for (std::size_t r = 0; r < found[p].size(); ++r) {
        EXPECT_EQ(found[p][r].tokens, wanted[p][r].tokens) << p << ", " << r;
        EXPECT_NEAR(found[p][r].log_prob, wanted[p][r].log_prob,
                    1e-4 * std::abs(wanted[p][r].log_prob));
      }
    }
  }
}

TEST(cuda_transformer, an_adapter_trains_as_on_the_cpu) {
  const lora_options options{.rank = 3, .alpha = 6};
  eigen_transformer expected = test::random_transformer(test::odd_llama());
  cuda_transformer model(expected.config());
  assign_weights(model, expected);
  const auto modules = lora_modules(find_architecture("llama"), expected.config(), options);
  expected.add_adapter(modules, options, 9);
  model.add_adapter(modules, options, 9);
  const std::vector<double> wanted = train(expected);
  const std::vector<double> found = train(model);
  for (std::size_t step = 0; step < wanted.size(); ++step) {
    EXPECT_NEAR(found[step], wanted[step], 1e-3 * (1.0 + std::abs(wanted[step]))) << step;
  }
  std::vector<double> merged(4), adapted(4);
  model.log_probs(small_batch(), adapted);
  model.merge_adapter();
  model.log_probs(small_batch(), merged);
  for (std::size_t r = 0; r < 4; ++r) EXPECT_NEAR(merged[r], adapted[r], 1e-3);
}

/// Factors have 8 bits then, so that an error of a percent is expected; weights stay as they are.
void expect_training_in_bfloat16() {
  eigen_transformer expected = test::random_transformer(test::odd_gpt2());
  cuda_transformer model(expected.config());
  assign_weights(model, expected);
  cuda_backend::use_products(product_kind::bfloat16);
  std::vector<double> exact(4), found(4);
  expected.log_probs(small_batch(), exact);
  model.log_probs(small_batch(), found);
  for (std::size_t r = 0; r < 4; ++r) {
    EXPECT_NEAR(found[r], exact[r], 0.02 * std::abs(exact[r]));
    EXPECT_NE(found[r], exact[r]);
  }
  const std::vector<double> losses = train(model);
  cuda_backend::use_products(product_kind::float32);
  const std::vector<double> wanted = train(expected);
  EXPECT_EQ(losses.front(), wanted.front()) << "before a step policy and reference are one";
  EXPECT_NEAR(losses.back(), wanted.back(), 0.05);
}

TEST(cuda_transformer, products_in_bfloat16_train_nearly_as_in_float32) {
  expect_training_in_bfloat16();
}
TEST(cuda_transformer, attention_in_bfloat16_trains_nearly_as_in_float32) {
  const test::attention_by products(gpu::attention_form::batched);
  expect_training_in_bfloat16();
}

TEST(cuda_transformer, a_copy_has_the_weights_and_no_gradients) {
  eigen_transformer start = test::random_transformer(test::odd_gpt2());
  cuda_transformer model(start.config());
  assign_weights(model, start);
  std::vector<double> log_probs(4), of_copy(4);
  model.forward(small_batch(), log_probs);
  model.backward(std::vector<double>{1.0, 1.0, 1.0, 1.0});
  cuda_transformer copied = model;
  for (const parameter& p : copied.parameters()) {
    for (const float gradient : p.gradient) ASSERT_EQ(gradient, 0.0F);
  }
  copied.log_probs(small_batch(), of_copy);
  EXPECT_EQ(of_copy, log_probs);
}

TEST(cuda_classifier, a_step_is_that_of_the_cpu) {
  encoder_config config;
  config.vocabulary = 41;
  config.width = 18;
  config.layers = 2;
  config.heads = 3;
  config.hidden = 25;
  config.position_rows = 24;
  config.first_position = 2;
  config.token_types = 2;
  config.labels = {"a", "b", "c"};
  eigen_classifier expected(config);
  expected.initialize(3);
  for (const parameter& p : expected.parameters()) {
    for (float& value : p.value) value *= p.decays ? 8.0F : 1.0F;
  }
  expected.parameters_changed();
  cuda_classifier model(config);
  assign_weights(model, expected);

  const std::vector<token_sequence> texts{{5, 6, 7, 8, 9, 10, 11}, {3}, {40, 0, 1, 2}};
  const std::vector<float> gradients = [] {
    std::vector<float> all(9);
    for (std::size_t i = 0; i < 9; ++i) all[i] = 0.1F * static_cast<float>(i) - 0.4F;
    return all;
  }();
  std::vector<float> found(9), wanted(9);
  const auto step = [&](auto& classifier, std::span<float> logits) {
    classifier.forward(texts, logits);
    classifier.zero_gradients();
    classifier.backward(gradients);
  };
  step(expected, wanted);
  step(model, found);
  expect_same(found, wanted, 1e-5F, "logits");
  expect_same_gradients(model, expected);
  adamw optimizer({.epsilon = 1e-4}), other({.epsilon = 1e-4});
  optimizer.step(expected.parameters(), 1e-3, 1.0F);
  other.step(model.parameters(), 1e-3, 1.0F);
  expected.parameters_changed();
  model.parameters_changed();
  expected.logits(texts, wanted);
  model.logits(texts, found);
  expect_same(found, wanted, 1e-3F, "logits after a step");
}

}  // namespace
}  // namespace prefopt
