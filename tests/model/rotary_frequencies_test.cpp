#include <prefopt/model/rotary_frequencies.hpp>

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace prefopt {
namespace {

transformer_config turning(std::size_t head_width, double theta) {
  transformer_config c;
  c.positions = position_kind::rotary_half;
  c.head_width = head_width;
  c.rope_theta = theta;
  return c;
}

TEST(rotary_frequencies, are_powers_of_theta) {
  EXPECT_THAT(rotary_frequencies(turning(6, 1000.0)),
              testing::ElementsAre(1.0F, testing::FloatEq(0.1F), testing::FloatEq(0.01F)));
  transformer_config c = turning(6, 10000.0);
  c.rotary_width = 4;
  EXPECT_THAT(rotary_frequencies(c), testing::ElementsAre(1.0F, testing::FloatEq(0.01F)));
  c.positions = position_kind::learned;
  EXPECT_THAT(rotary_frequencies(c), testing::IsEmpty());
}

TEST(rotary_frequencies, linear_scaling_divides_all) {
  transformer_config c = turning(4, 100.0);
  c.scaling = {.type = rope_scaling::kind::linear, .factor = 4.0};
  EXPECT_THAT(rotary_frequencies(c), testing::ElementsAre(0.25F, testing::FloatEq(0.025F)));
}

TEST(rotary_frequencies, of_llama_3_1_are_those_of_transformers) {
  // torch.tensor of transformers' LlamaRotaryEmbedding.inv_freq: head_dim 16, rope_theta 500000,
  // factor 8, low_freq_factor 1, high_freq_factor 4, original_max_position_embeddings 8192.
  transformer_config c = turning(16, 500000.0);
  c.scaling = {.type = rope_scaling::kind::llama3, .factor = 8.0};
  const std::vector<float> expected{1.0F,           0.19392276F,    0.037606031F,   0.0072926651F,
                                    0.00052484602F, 3.4281024e-05F, 6.6478697e-06F, 1.2891732e-06F};
  const std::vector<float> found = rotary_frequencies(c);
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) EXPECT_NEAR(found[i] / expected[i], 1.0, 1e-6);
}

}  // namespace
}  // namespace prefopt
