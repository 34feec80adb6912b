#include <prefopt/model/transformer_layout.hpp>

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <prefopt/model/tensor_shape.hpp>

namespace prefopt {
namespace {

transformer_config small() {
  transformer_config c;
  c.vocabulary = 11;
  c.width = 6;
  c.layers = 1;
  c.heads = 4;
  c.kv_heads = 2;
  c.head_width = 5;
  c.hidden = 7;
  c.max_positions = 13;
  return c;
}

/// "name (shape)" of each, with " decays" where weights decay.
std::vector<std::string> described(const transformer_config& config) {
  std::vector<std::string> result;
  for (const parameter_layout& entry : transformer_layout(config)) {
    result.push_back(entry.name + " " + shape_text(entry.shape) + (entry.decays ? " decays" : ""));
  }
  return result;
}

TEST(transformer_layout, lists_the_arrays_of_gpt2) {
  EXPECT_THAT(
      described(small()),
      testing::ElementsAre(
          "embedding.weight (11, 6) decays", "positions.weight (13, 6) decays",
          "layers.0.attention_norm.weight (6)", "layers.0.attention_norm.bias (6)",
          "layers.0.attention.qkv.weight (40, 6) decays", "layers.0.attention.qkv.bias (40)",
          "layers.0.attention.output.weight (6, 20) decays", "layers.0.attention.output.bias (6)",
          "layers.0.feed_forward_norm.weight (6)", "layers.0.feed_forward_norm.bias (6)",
          "layers.0.feed_forward.up.weight (7, 6) decays", "layers.0.feed_forward.up.bias (7)",
          "layers.0.feed_forward.down.weight (6, 7) decays", "layers.0.feed_forward.down.bias (6)",
          "final_norm.weight (6)", "final_norm.bias (6)"));
}

TEST(transformer_layout, lists_the_arrays_of_llama) {
  transformer_config c = small();
  c.norm = norm_kind::rms;
  c.positions = position_kind::rotary_half;
  c.gated = true;
  c.qkv_bias = c.output_bias = c.feed_forward_bias = c.tied_head = false;
  EXPECT_THAT(
      described(c),
      testing::ElementsAre("embedding.weight (11, 6) decays", "layers.0.attention_norm.weight (6)",
                           "layers.0.attention.qkv.weight (40, 6) decays",
                           "layers.0.attention.output.weight (6, 20) decays",
                           "layers.0.feed_forward_norm.weight (6)",
                           "layers.0.feed_forward.gate.weight (7, 6) decays",
                           "layers.0.feed_forward.up.weight (7, 6) decays",
                           "layers.0.feed_forward.down.weight (6, 7) decays",
                           "final_norm.weight (6)", "head.weight (11, 6) decays"));
}

TEST(transformer_layout, counts_124_million_parameters_in_gpt2) {
  transformer_config c;
  c.vocabulary = 50257;
  c.width = 768;
  c.layers = c.heads = c.kv_heads = 12;
  c.head_width = 64;
  c.hidden = 3072;
  c.max_positions = 1024;
  std::size_t total = 0;
  for (const parameter_layout& entry : transformer_layout(c)) {
    std::size_t count = 0;
    ASSERT_TRUE(count_elements(entry.shape, count));
    total += count;
  }
  EXPECT_EQ(total, 124439808U);  // of Hugging Face's GPT2LMHeadModel
}

}  // namespace
}  // namespace prefopt
