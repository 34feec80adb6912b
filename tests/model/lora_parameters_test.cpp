#include <prefopt/model/lora_parameters.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <set>
#include <span>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <backend/products_of.hpp>
#include <prefopt/backend/eigen/eigen_backend.hpp>
#include <prefopt/backend/product_kind.hpp>
#include <prefopt/core/error.hpp>
#include <prefopt/model/architectures.hpp>
#include <prefopt/model/eigen_transformer.hpp>
#include <support/damage.hpp>
#include <support/test_models.hpp>

namespace prefopt {
namespace {

std::vector<lora_module> modules_of(const char* kind, const transformer_config& config,
                                    const lora_options& options) {
  return lora_modules(find_architecture(kind), config, options);
}

std::vector<std::string> names(const std::vector<lora_module>& modules) {
  std::vector<std::string> list;
  for (const auto& module : modules) list.push_back(module.name);
  return list;
}

/// Numbers that are no multiples of anything: the adapter then does something.
void fill(eigen_transformer& model) {
  for (const parameter& each : model.parameters()) {
    for (std::size_t i = 0; i < each.value.size(); ++i) {
      each.value[i] = 0.3F * std::sin(static_cast<float>(i + each.name.size()));
    }
  }
  model.parameters_changed();
}

eigen_transformer adapted(const char* kind, const transformer_config& config,
                          const lora_options& options) {
  eigen_transformer model = test::random_transformer(config);
  model.add_adapter(modules_of(kind, config, options), options, 5);
  return model;
}

const token_sequence prompt{3, 14, 15, 9, 26};
const token_sequence other_prompt{5, 3};
const token_sequence first{5, 8, 9, 7};
const token_sequence second{9, 3, 2, 3, 8, 4, 6};

response_batch two_groups() {
  response_batch batch;
  batch.groups.push_back({prompt, {first, second}});
  batch.groups.push_back({other_prompt, {second}});
  return batch;
}

TEST(lora_layout, NamesModulesAsTheCheckpointDoes) {
  const auto llama = test::odd_llama();
  auto modules = modules_of("llama", llama, {.targets = {"q_proj", "v_proj", "mlp.down_proj"}});
  ASSERT_EQ(names(modules),
            (std::vector<std::string>{
                "model.layers.0.self_attn.q_proj", "model.layers.0.self_attn.v_proj",
                "model.layers.0.mlp.down_proj", "model.layers.1.self_attn.q_proj",
                "model.layers.1.self_attn.v_proj", "model.layers.1.mlp.down_proj"}));
  EXPECT_EQ(modules[1].parameter, "layers.0.attention.qkv.weight");
  EXPECT_EQ(modules[1].first_row, 8U * 14U);  // after six query and two key heads
  EXPECT_EQ(modules[1].rows, 2U * 14U);
  EXPECT_EQ(modules[1].outputs, 10U * 14U);
  EXPECT_EQ(modules[1].inputs, 30U);
  EXPECT_FALSE(modules[1].transposed);
  EXPECT_EQ(modules_of("llama", llama, {}).size(), 14U);  // seven matrices of two layers
  modules = modules_of("gpt2", test::odd_gpt2(), {.targets = {"c_proj"}});
  EXPECT_EQ(names(modules), (std::vector<std::string>{
                                "transformer.h.0.attn.c_proj", "transformer.h.0.mlp.c_proj",
                                "transformer.h.1.attn.c_proj", "transformer.h.1.mlp.c_proj"}));
  EXPECT_TRUE(modules[0].transposed);
  EXPECT_EQ(modules[1].inputs, 45U);
}

TEST(lora_layout, RefusesOptionsThatCannotBe) {
  const auto refuse = [](const lora_options& options, const std::string& words) {
    test::expect_error<usage_error>([&] { modules_of("gpt2", test::odd_gpt2(), options); }, words);
  };
  refuse({.rank = 0}, "rank is 0");
  refuse({.alpha = 0.0}, "alpha is 0");
  refuse({.alpha = std::nan("")}, "alpha is nan");
  refuse({.targets = {}}, "there are no target modules");
  refuse({.targets = {"c_attn", "proj"}},
         "target 'proj' is no matrix of a layer of 'gpt2' models; expected one of all-linear, "
         "c_attn, c_fc, c_proj");
}

TEST(lora_options, ScaleByRankOrItsRoot) {
  EXPECT_DOUBLE_EQ((lora_options{.rank = 4, .alpha = 6}).scale(), 1.5);
  EXPECT_DOUBLE_EQ((lora_options{.rank = 4, .alpha = 6, .rank_stabilized = true}).scale(), 3.0);
}

class lora_models : public testing::TestWithParam<const char*> {
 protected:
  transformer_config config() const {
    return std::string(GetParam()) == "gpt2" ? test::odd_gpt2() : test::odd_llama();
  }
  eigen_transformer model() const { return adapted(GetParam(), config(), {.rank = 3}); }
};

TEST_P(lora_models, BeginAsTheModelToTheLastBit) {
  auto plain = test::random_transformer(config());
  auto model = this->model();
  EXPECT_EQ(model.token_log_probs(two_groups()), plain.token_log_probs(two_groups()));
  fill(model);
  EXPECT_NE(model.token_log_probs(two_groups()), plain.token_log_probs(two_groups()));
  model.activate_adapter(false);
  EXPECT_EQ(model.token_log_probs(two_groups()), plain.token_log_probs(two_groups()));
  model.activate_adapter(true);
  model.remove_adapter();
  EXPECT_EQ(model.token_log_probs(two_groups()), plain.token_log_probs(two_groups()));
}

TEST_P(lora_models, TrainTheAdapterAlone) {
  auto model = this->model();
  const std::size_t modules = model.adapter_modules().size();
  ASSERT_EQ(model.parameters().size(), 2 * modules);
  for (const parameter& each : model.parameters()) {
    EXPECT_TRUE(each.name.ends_with(".lora_A.weight") || each.name.ends_with(".lora_B.weight"));
    EXPECT_EQ(each.gradient.size(), each.value.size());
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(model.parameters()[0].value.data()) % 64, 0U);
  }
  EXPECT_EQ(model.base_parameters().size(), transformer_layout(config()).size());
  for (const parameter& each : model.base_parameters()) EXPECT_TRUE(each.gradient.empty());

  // With B = 0 the gradient of every A is 0, that of every B is not.
  std::vector<double> log_probs(3);
  const std::vector<double> weights{1.0, -0.5, 0.25};
  model.forward(two_groups(), std::span<double>(log_probs));
  model.backward(std::span<const double>(weights));
  for (const parameter& each : model.parameters()) {
    const bool zero = std::ranges::all_of(each.gradient, [](float g) { return g == 0.0F; });
    EXPECT_EQ(zero, each.name.ends_with("lora_A.weight")) << each.name;
  }
}

TEST_P(lora_models, HaveTheGradientOfFiniteDifferences) {
  auto model = this->model();
  fill(model);
  const std::vector<double> weights{1.0, -0.5, 0.25};
  std::vector<double> log_probs(3);
  const auto value = [&] {
    model.parameters_changed();
    model.log_probs(two_groups(), std::span<double>(log_probs));
    double sum = 0;
    for (std::size_t r = 0; r < 3; ++r) sum += weights[r] * log_probs[r];
    return sum;
  };
  model.zero_gradients();
  model.forward(two_groups(), std::span<double>(log_probs));
  model.backward(std::span<const double>(weights));
  constexpr float step = 4e-3F;
  for (const parameter& each : model.parameters()) {
    const std::size_t i = each.value.size() / 2;
    const float kept = each.value[i];
    each.value[i] = kept + step;
    const double above = value();
    each.value[i] = kept - step;
    const double below = value();
    each.value[i] = kept;
    const double slope = (above - below) / (2.0 * static_cast<double>(step));
    EXPECT_NEAR(static_cast<double>(each.gradient[i]), slope, 2e-2 + 2e-2 * std::fabs(slope))
        << each.name;
  }
}

TEST_P(lora_models, AddUpGradientsUntilTheyAreZeroed) {
  auto model = this->model();
  fill(model);
  const std::vector<double> weights{1.0, -0.5, 0.25};
  std::vector<double> log_probs(3);
  const auto backward = [&] {
    model.forward(two_groups(), std::span<double>(log_probs));
    model.backward(std::span<const double>(weights));
  };
  backward();
  const auto last = model.parameters().back().gradient;
  const float once = last[1];
  ASSERT_NE(once, 0.0F);
  backward();
  EXPECT_NEAR(last[1], 2 * once, 1e-5F * std::fabs(once));
  model.zero_gradients();
  for (const parameter& each : model.parameters()) {
    EXPECT_THAT(each.gradient, testing::Each(0.0F));
  }
}

// A response's log-prob does not depend on the batch, and decoding gives the logits of it.
TEST_P(lora_models, KeepTheRulesOfBatchesAndCaches) {
  auto model = this->model();
  fill(model);
  const auto together = model.token_log_probs(two_groups());
  response_batch alone;
  alone.groups.push_back({prompt, {second}});
  EXPECT_EQ(model.token_log_probs(alone)[0], together[1]);

  std::vector<std::vector<float>> logits;
  model.visit_logits(alone, [&](std::size_t, std::size_t, std::span<const float> row) {
    logits.emplace_back(row.begin(), row.end());
  });
  auto cache = model.make_cache();
  std::vector<float> found(model.vocabulary_size());
  const std::size_t number = prefill(model, cache, prompt, found);
  EXPECT_EQ(found, logits[0]);
  const std::vector<std::size_t> rows{model.add_row(cache, number)};
  for (std::size_t i = 0; i + 1 < second.size(); ++i) {
    model.decode(cache, rows, std::span(second).subspan(i, 1), found);
    for (std::size_t v = 0; v < found.size(); ++v) EXPECT_NEAR(found[v], logits[i + 1][v], 1e-4F);
  }
}

TEST_P(lora_models, AreCopiedWithTheAdapter) {
  auto model = this->model();
  fill(model);
  const auto expected = model.token_log_probs(two_groups());
  eigen_transformer copy = model;
  EXPECT_EQ(copy.token_log_probs(two_groups()), expected);
  EXPECT_NE(copy.parameters()[0].value.data(), model.parameters()[0].value.data());
  std::ranges::fill(copy.parameters()[1].value, 0.0F);
  copy.parameters_changed();
  EXPECT_NE(copy.token_log_probs(two_groups()), expected);
  EXPECT_EQ(model.token_log_probs(two_groups()), expected);
  model.activate_adapter(false);
  copy = model;
  EXPECT_FALSE(copy.adapter_active());
  eigen_transformer moved = std::move(model);
  moved.activate_adapter(true);
  EXPECT_EQ(moved.token_log_probs(two_groups()), expected);
}

TEST_P(lora_models, MergeIntoTheWeights) {
  auto model = this->model();
  fill(model);
  const auto before = model.token_log_probs(two_groups());
  model.merge_adapter();
  EXPECT_FALSE(model.has_adapter());
  EXPECT_EQ(model.parameters().size(), transformer_layout(config()).size());
  EXPECT_EQ(model.parameters()[0].gradient.size(), model.parameters()[0].value.size());
  const auto after = model.token_log_probs(two_groups());
  for (std::size_t r = 0; r < before.size(); ++r) {
    for (std::size_t i = 0; i < before[r].size(); ++i) {
      EXPECT_NEAR(before[r][i], after[r][i], 1e-5F * (1 + std::fabs(before[r][i])));
    }
  }
  std::vector<double> log_probs(3);  // it can be trained as a whole again
  const std::vector<double> weights(3, 1.0);
  model.zero_gradients();
  model.forward(two_groups(), std::span<double>(log_probs));
  model.backward(std::span<const double>(weights));
  EXPECT_TRUE(std::ranges::any_of(model.parameters()[0].gradient, [](float g) { return g != 0; }));
}

TEST_P(lora_models, RefuseWhatMakesNoSense) {
  auto model = this->model();
  test::expect_error<usage_error>([&] { model.add_adapter(model.adapter_modules(), {}, 1); },
                                  "has an adapter already");
  std::vector<double> log_probs(3);
  const std::vector<double> weights(3, 1.0);
  model.activate_adapter(false);
  model.forward(two_groups(), std::span<double>(log_probs));
  test::expect_error<usage_error>([&] { model.backward(std::span<const double>(weights)); },
                                  "the adapter is off");
  auto wrong = model.adapter_modules();
  model.remove_adapter();
  test::expect_error<usage_error>([&] { model.remove_adapter(); }, "has no adapter");
  test::expect_error<usage_error>([&] { model.activate_adapter(true); }, "there is no adapter");
  wrong[1].outputs += 1;
  test::expect_error<usage_error>([&] { model.add_adapter(wrong, {}, 1); },
                                  "is no module of this model");
  EXPECT_FALSE(model.has_adapter());
  EXPECT_FALSE(model.parameters()[0].gradient.empty());
}

INSTANTIATE_TEST_SUITE_P(models, lora_models, testing::Values("gpt2", "llama"),
                         [](const auto& tested) { return std::string(tested.param); });

TEST(lora_parameters, StartAsPeftDoes) {
  const auto config = test::odd_llama();
  const lora_options options{.rank = 64};
  lora_parameters<eigen_backend> one(modules_of("llama", config, options), options);
  lora_parameters<eigen_backend> same(one.modules(), options), other(one.modules(), options);
  one.initialize(3);
  same.initialize(3);
  other.initialize(4);
  for (std::size_t i = 0; i < one.all().size(); ++i) {
    const parameter& each = one.all()[i];
    EXPECT_TRUE(std::ranges::equal(each.value, same.all()[i].value));
    if (each.name.ends_with("lora_B.weight")) {
      EXPECT_THAT(each.value, testing::Each(0.0F));
      continue;
    }
    EXPECT_FALSE(std::ranges::equal(each.value, other.all()[i].value));
    const double bound = 1.0 / std::sqrt(static_cast<double>(each.shape[1]));
    double square = 0;
    for (const float value : each.value) {
      ASSERT_LE(std::fabs(static_cast<double>(value)), bound);
      square += static_cast<double>(value) * static_cast<double>(value);
    }
    // Uniform: the variance is a third of the bound's square.
    EXPECT_NEAR(square / static_cast<double>(each.value.size()), bound * bound / 3,
                0.1 * bound * bound / 3);
  }
}

/// What is written to a checkpoint is not rounded.
TEST(lora_parameters, are_merged_in_float32_whatever_products_are_in) {
  std::vector<std::vector<float>> merged;
  for (const auto kind : {product_kind::float32, product_kind::bfloat16}) {
    const test::products_of<eigen_backend> products(kind);
    eigen_transformer model = adapted("gpt2", test::odd_gpt2(), {.rank = 3, .alpha = 5});
    fill(model);
    model.merge_adapter();
    merged.push_back(test::values_of(model.parameters()));
  }
  EXPECT_TRUE(merged[0] == merged[1]);
  EXPECT_FALSE(merged[0] ==
               test::values_of(test::random_transformer(test::odd_gpt2()).parameters()));
}

}  // namespace
}  // namespace prefopt
