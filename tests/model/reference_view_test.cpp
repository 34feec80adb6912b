#include <prefopt/model/reference_view.hpp>

#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

#include <gtest/gtest.h>

#include <prefopt/model/architectures.hpp>
#include <prefopt/model/decoding_model.hpp>
#include <prefopt/model/distribution_model.hpp>
#include <prefopt/model/eigen_transformer.hpp>
#include <prefopt/model/lora_layout.hpp>
#include <support/damage.hpp>
#include <support/test_models.hpp>

namespace prefopt {
namespace {

using view = reference_view<eigen_transformer>;
static_assert(adapted_model<eigen_transformer>);
static_assert(language_model<view>);
static_assert(distribution_model<view>);
static_assert(drawing_model<view>);
static_assert(!trainable_model<view>);

const token_sequence x{3, 14, 15};
const token_sequence response{5, 8, 9, 7};

TEST(reference_view, IsTheModelBeforeItsTraining) {
  const auto config = test::odd_llama();
  auto plain = test::random_transformer(config);
  auto model = test::random_transformer(config);
  model.add_adapter(lora_modules(find_architecture("llama"), config, {}), {}, 1);
  for (const parameter& each : model.parameters()) {
    for (float& value : each.value) value += 0.05F;
  }
  model.parameters_changed();
  response_batch batch;
  batch.groups.push_back({x, {response}});
  view reference(model);
  std::vector<double> expected(1), found(1), policy(1);
  plain.log_probs(batch, std::span<double>(expected));
  reference.forward(batch, std::span<double>(found));
  EXPECT_EQ(found, expected);
  EXPECT_TRUE(model.adapter_active());
  model.log_probs(batch, std::span<double>(policy));
  EXPECT_GT(std::fabs(policy[0] - expected[0]), 1e-3);
  EXPECT_EQ(reference.token_log_probs(batch), plain.token_log_probs(batch));
  std::vector<float> logits(config.vocabulary), same(config.vocabulary);
  auto cache = reference.make_cache();
  auto plain_cache = plain.make_cache();
  prefill(reference, cache, x, logits);
  prefill(plain, plain_cache, x, same);
  EXPECT_EQ(logits, same);
  const std::size_t row = reference.add_row(cache, 0), plain_row = plain.add_row(plain_cache, 0);
  const std::vector<double> uniforms{0.6};
  std::vector<sampled_token> drawn(1), plain_drawn(1);
  for (const token_id token : response) {
    reference.draw(cache, std::span(&row, 1), std::span(&token, 1), {.top_k = 20}, uniforms, drawn);
    plain.draw(plain_cache, std::span(&plain_row, 1), std::span(&token, 1), {.top_k = 20}, uniforms,
               plain_drawn);
    EXPECT_EQ(drawn[0].token, plain_drawn[0].token);
    EXPECT_EQ(drawn[0].log_prob, plain_drawn[0].log_prob);
  }
  EXPECT_TRUE(model.adapter_active());
  const std::vector<double> weights(1, 1.0);
  test::expect_error<usage_error>([&] { reference.backward(std::span<const double>(weights)); },
                                  "a reference has no gradient");
}

TEST(reference_view, SwitchesBackAfterAnError) {
  const auto config = test::odd_gpt2();
  auto model = test::random_transformer(config);
  test::expect_error<usage_error>([&] { view reference(model); }, "the model has no adapter");
  model.add_adapter(lora_modules(find_architecture("gpt2"), config, {}), {}, 1);
  view reference(model);
  const token_sequence wrong{1000};
  response_batch batch;
  batch.groups.push_back({x, {wrong}});
  std::vector<double> log_probs(1);
  EXPECT_THROW(reference.log_probs(batch, std::span<double>(log_probs)), usage_error);
  EXPECT_TRUE(model.adapter_active());
  model.activate_adapter(false);
  EXPECT_THROW(reference.log_probs(batch, std::span<double>(log_probs)), usage_error);
  EXPECT_FALSE(model.adapter_active());
}

}  // namespace
}  // namespace prefopt
