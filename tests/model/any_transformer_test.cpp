// Behind the one type a model is what it was, to the last bit.
#include <prefopt/model/any_transformer.hpp>

#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <prefopt/core/error.hpp>
#include <prefopt/loss/presets.hpp>
#include <prefopt/model/architectures.hpp>
#include <prefopt/model/load_weights.hpp>
#include <prefopt/model/lora_layout.hpp>
#include <prefopt/model/reference_view.hpp>
#include <prefopt/model/save_checkpoint.hpp>
#include <prefopt/sample/sampler.hpp>
#include <prefopt/train/adamw.hpp>
#include <prefopt/train/gradient_norm.hpp>
#include <prefopt/train/train_step.hpp>

#include "support/damage.hpp"
#include "support/data.hpp"
#include "support/temporary_folder.hpp"
#include "support/test_models.hpp"

namespace prefopt {
namespace {

static_assert(adapted_model<any_transformer>);

response_batch small_batch() {
  static const token_sequence x1{5, 6, 7, 8, 9}, x2{60};
  static const token_sequence y1{1, 2, 3, 4, 5, 6, 7}, y2{3}, y3{9, 9, 2}, y4{7, 30, 31, 5, 2, 0};
  return {{{x1, {y1, y2, y3}}, {x2, {y4}}}};
}

template <class Model>
std::vector<double> log_probs_of(Model& model) {
  std::vector<double> result(4);
  model.log_probs(small_batch(), std::span<double>(result));
  return result;
}

/// Five steps of ODPO; the loss of each.
template <class Model>
std::vector<double> train_five_steps(Model& model) {
  const std::vector<ranked_pair> pairs{{0, 1}, {0, 2}, {2, 1}};
  const std::vector<double> scores{3.0, 1.0, 1.5, 0.5};
  const std::vector<double> reference = log_probs_of(model);
  const preference_batch batch{.responses = small_batch(),
                               .pairs = pairs,
                               .reference_log_probs = reference,
                               .scores = scores};
  adamw optimizer;
  std::vector<double> losses;
  for (int step = 0; step < 5; ++step) {
    model.zero_gradients();
    losses.push_back(train_step(model, batch, odpo(0.5, 0.7)).loss());
    const auto parameters = model.parameters();
    optimizer.step(parameters, 1e-3, clip_factor(gradient_norm(parameters), 1.0));
    model.parameters_changed();
  }
  return losses;
}

/// All that a model says after training: what it samples, and all of its distributions.
template <class Model>
void expect_same(any_transformer& found, Model& expected) {
  EXPECT_EQ(log_probs_of(found), log_probs_of(expected));
  EXPECT_EQ(found.token_log_probs(small_batch()), expected.token_log_probs(small_batch()));
  const auto logits_of = [](auto& model) {
    std::vector<float> all;
    model.visit_logits(small_batch(), [&](std::size_t, std::size_t, std::span<const float> logits) {
      all.insert(all.end(), logits.begin(), logits.end());
    });
    return all;
  };
  EXPECT_EQ(logits_of(found), logits_of(expected));
  const std::vector<token_sequence> prompts{{5, 6, 7}, {60}, {1, 2, 3, 4, 5, 6, 7, 8}};
  const sampling_options options{
      .max_new_tokens = 12, .end_tokens = {5}, .responses = 2, .batch_rows = 4};
  const auto ours = sample(found, std::span<const token_sequence>(prompts), options);
  const auto theirs = sample(expected, std::span<const token_sequence>(prompts), options);
  for (std::size_t p = 0; p < prompts.size(); ++p) {
    for (std::size_t r = 0; r < 2; ++r) {
      EXPECT_EQ(ours[p][r].tokens, theirs[p][r].tokens) << p << ", " << r;
      EXPECT_EQ(ours[p][r].log_prob, theirs[p][r].log_prob) << p << ", " << r;
    }
  }
}

TEST(any_transformer, trains_scores_and_samples_as_what_it_holds) {
  for (const transformer_config& config : {test::odd_gpt2(), test::odd_llama()}) {
    eigen_transformer expected = test::random_transformer(config);
    any_transformer model = expected;
    EXPECT_EQ(model.vocabulary_size(), config.vocabulary);
    EXPECT_EQ(model.max_positions(), config.max_positions);
    EXPECT_EQ(train_five_steps(model), train_five_steps(expected));
    EXPECT_EQ(test::values_of(model.parameters()), test::values_of(expected.parameters()));
    expect_same(model, expected);
  }
}

TEST(any_transformer, starts_at_random_as_what_it_holds) {
  any_transformer model = eigen_transformer(test::odd_gpt2());
  eigen_transformer expected(test::odd_gpt2());
  model.initialize(11);
  expected.initialize(11);
  EXPECT_EQ(test::values_of(model.parameters()), test::values_of(expected.parameters()));
}

TEST(any_transformer, has_the_adapter_of_what_it_holds) {
  const lora_options options{.rank = 3, .alpha = 6};
  eigen_transformer expected = test::random_transformer(test::odd_llama());
  any_transformer model = expected;
  const std::vector<float> base = test::values_of(model.base_parameters());
  const std::vector<double> before = log_probs_of(model);
  const auto modules = lora_modules(find_architecture("llama"), expected.config(), options);
  EXPECT_FALSE(model.has_adapter());
  expected.add_adapter(modules, options, 9);
  model.add_adapter(modules, options, 9);
  EXPECT_TRUE(model.has_adapter() && model.adapter_active());
  EXPECT_EQ(model.adapter_options().rank, 3U);
  EXPECT_EQ(model.adapter_modules().size(), modules.size());
  EXPECT_EQ(train_five_steps(model), train_five_steps(expected));
  EXPECT_EQ(test::values_of(model.parameters()), test::values_of(expected.parameters()));
  EXPECT_EQ(test::values_of(model.base_parameters()), base);
  expect_same(model, expected);

  reference_view reference(model);
  EXPECT_EQ(log_probs_of(reference), before);
  EXPECT_TRUE(model.adapter_active());
  any_transformer without = model;
  without.remove_adapter();
  EXPECT_EQ(log_probs_of(without), before);
  model.merge_adapter();
  expected.merge_adapter();
  EXPECT_FALSE(model.has_adapter());
  expect_same(model, expected);
}

TEST(any_transformer, a_copy_is_another_model) {
  any_transformer model = test::random_transformer(test::odd_gpt2());
  any_transformer copied = model;
  const std::vector<double> before = log_probs_of(copied);
  EXPECT_EQ(log_probs_of(model), before);
  train_five_steps(model);
  EXPECT_NE(log_probs_of(model), before);
  EXPECT_EQ(log_probs_of(copied), before);
  copied = model;
  EXPECT_EQ(log_probs_of(copied), log_probs_of(model));
}

TEST(any_transformer, is_loaded_and_saved_as_what_it_holds) {
  const model_checkpoint checkpoint = open_checkpoint(test::golden("model/tiny-gpt2"));
  eigen_transformer expected = load_transformer<eigen_transformer>(checkpoint);
  any_transformer model = eigen_transformer(checkpoint.config);
  load_weights(checkpoint, model);
  EXPECT_EQ(test::values_of(model.parameters()), test::values_of(expected.parameters()));
  const test::temporary_folder folder;
  save_checkpoint(folder.path() / "any", checkpoint, model);
  save_checkpoint(folder.path() / "own", checkpoint, expected);
  EXPECT_EQ(test::file_bytes(folder.path() / "any" / "model.safetensors"),
            test::file_bytes(folder.path() / "own" / "model.safetensors"));
}

/// As a model of another backend has one.
struct other_transformer : eigen_transformer {
  using eigen_transformer::eigen_transformer;
  struct cache_type : transformer_cache<eigen_backend> {
    using transformer_cache<eigen_backend>::transformer_cache;
  };
  [[nodiscard]] cache_type make_cache() const { return cache_type(config()); }
};

TEST(any_transformer, refuses_the_cache_of_another_backend) {
  any_transformer model = eigen_transformer(test::odd_gpt2());
  const any_transformer other = other_transformer(test::odd_gpt2());
  auto cache = other.make_cache();
  std::vector<float> logits(model.vocabulary_size());
  const token_sequence prompt{1, 2};
  EXPECT_THROW(prefill(model, cache, prompt, logits), usage_error);
  auto own = model.make_cache();
  EXPECT_EQ(prefill(model, own, prompt, logits), 0U);
}

}  // namespace
}  // namespace prefopt
