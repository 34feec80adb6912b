#include <prefopt/model/transformer_parameters.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <prefopt/backend/eigen/eigen_backend.hpp>
#include <support/test_models.hpp>

namespace prefopt {
namespace {

using parameters = transformer_parameters<eigen_backend>;

TEST(transformer_parameters, start_at_0_in_aligned_places_of_their_layout) {
  const transformer_config config = test::odd_gpt2();
  const parameters p(config);
  const auto layout = transformer_layout(config);
  ASSERT_EQ(p.all().size(), layout.size());
  for (std::size_t i = 0; i < layout.size(); ++i) {
    EXPECT_EQ(p.all()[i].name, layout[i].name);
    EXPECT_EQ(p.all()[i].shape, layout[i].shape);
    EXPECT_EQ(p.all()[i].gradient.size(), p.all()[i].value.size());
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(p.all()[i].value.data()) % 64, 0U);
    EXPECT_THAT(p.all()[i].value, testing::Each(0.0F));
    EXPECT_THAT(p.all()[i].gradient, testing::Each(0.0F));
  }
}

TEST(transformer_parameters, initialize_as_gpt2_does_and_by_the_seed_alone) {
  transformer_config config = test::odd_gpt2();
  config.vocabulary = 1000;
  parameters one(config), same(config), other(config);
  one.initialize(5);
  same.initialize(5);
  other.initialize(6);
  for (std::size_t i = 0; i < one.all().size(); ++i) {
    const parameter& p = one.all()[i];
    EXPECT_TRUE(std::ranges::equal(p.value, same.all()[i].value)) << p.name;
    if (!p.decays) {
      EXPECT_THAT(p.value, testing::Each(p.name.ends_with(".bias") ? 0.0F : 1.0F)) << p.name;
      continue;
    }
    EXPECT_FALSE(std::ranges::equal(p.value, other.all()[i].value)) << p.name;
    double sum = 0, square = 0;
    for (const float x : p.value) {
      sum += static_cast<double>(x);
      square += static_cast<double>(x) * static_cast<double>(x);
    }
    const double n = static_cast<double>(p.value.size());
    // Within five standard errors of normal numbers with deviation 0.02.
    EXPECT_NEAR(sum / n, 0.0, 5 * 0.02 / std::sqrt(n)) << p.name;
    EXPECT_NEAR(std::sqrt(square / n), 0.02, 5 * 0.02 / std::sqrt(2 * n)) << p.name;
  }
}

TEST(transformer_parameters, copy_their_values_and_not_their_gradients) {
  parameters p(test::odd_llama());
  p.initialize(5);
  p.all()[0].gradient[0] = 3.0F;
  parameters copy = p;
  const float kept = p.all()[0].value[0];
  p.all()[0].value[0] = 9.0F;
  EXPECT_EQ(copy.all()[0].value[0], kept);
  EXPECT_EQ(copy.all()[0].gradient[0], 0.0F);
  EXPECT_EQ(copy.embedding().value.data, copy.all()[0].value.data());
  const float* place = p.all()[0].value.data();
  const parameters moved = std::move(p);
  EXPECT_EQ(moved.all()[0].value.data(), place);
  EXPECT_EQ(moved.embedding().value.data, place);
}

TEST(transformer_parameters, tie_the_head_to_the_embedding_where_the_model_does) {
  parameters tied(test::odd_gpt2()), apart(test::odd_llama());
  EXPECT_EQ(tied.head().weight().value.data, tied.embedding().value.data);
  EXPECT_EQ(tied.head().weight().gradient.data, tied.embedding().gradient.data);
  EXPECT_NE(apart.head().weight().value.data, apart.embedding().value.data);
  EXPECT_EQ(apart.positions().value.data, nullptr);
}

TEST(linear_parameters, are_prepared_again_after_a_change) {
  parameters p(test::odd_gpt2());
  host_array in, out;
  const matrix_view x = in.as(1, 30), y = out.as(1, 61);
  std::fill_n(x.data, 30, 1.0F);
  eigen_backend::linear(x, p.head().prepared(), nullptr, y);
  EXPECT_EQ(y.data[4], 0.0F);
  for (float& value : p.all()[0].value) value = 2.0F;
  p.changed();
  eigen_backend::linear(x, p.head().prepared(), nullptr, y);
  EXPECT_EQ(y.data[4], 60.0F);
}

std::string problem(const transformer_config& config) {
  try {
    const parameters p(config);
  } catch (const usage_error& error) {
    return error.what();
  }
  return "no error";
}

TEST(transformer_parameters, refuse_shapes_that_cannot_be_and_say_why) {
  transformer_config c = test::odd_llama();
  c.kv_heads = 4;
  EXPECT_EQ(problem(c), "transformer_config: kv_heads 4 does not divide heads 6");
  c.kv_heads = 0;
  EXPECT_THAT(problem(c), testing::HasSubstr("kv_heads 0"));
  c = test::odd_llama();
  c.head_width = 7;
  EXPECT_THAT(problem(c), testing::HasSubstr("even head_width, not 7"));
  c = test::odd_llama();
  c.norm_epsilon = 0;
  EXPECT_THAT(problem(c), testing::HasSubstr("norm_epsilon"));
  c = test::odd_llama();
  c.hidden = 0;
  EXPECT_THAT(problem(c), testing::HasSubstr("hidden"));
  c = test::odd_llama();
  c.vocabulary = std::size_t{1} << 40U;  // the product with the width is 2^66, or 4 if it overflows
  c.width = std::size_t{1} << 26U;
  EXPECT_THAT(problem(c),
              testing::HasSubstr("embedding.weight of shape (1099511627776, 67108864)"));
}

}  // namespace
}  // namespace prefopt
