#include <prefopt/train/adamw.hpp>

#include <vector>

#include <gtest/gtest.h>

#include "train/golden_optimizer.hpp"

namespace prefopt {
namespace {

const adamw_options other_settings{
    .beta1 = 0.8, .beta2 = 0.95, .epsilon = 1e-3, .weight_decay = 0.3};

TEST(adamw, makes_torchs_steps) {
  test::expect_torchs_steps(adamw(), "adamw");
  test::expect_torchs_steps(adamw(other_settings), "adamw_decay");
}

TEST(adamw, goes_on_from_its_state_bit_for_bit) {
  test::expect_state_is_complete(adamw(other_settings));
}

TEST(adamw, leaves_parameters_that_do_not_decay) {
  std::vector<float> value = {2.0F, 2.0F};
  std::vector<float> gradient = {0.0F, 0.0F};
  const std::vector<parameter> parameters = {
      {"matrix", {1}, std::span(value).subspan(0, 1), std::span(gradient).subspan(0, 1), true},
      {"norm", {1}, std::span(value).subspan(1, 1), std::span(gradient).subspan(1, 1), false}};
  adamw(adamw_options{.weight_decay = 0.5}).step(parameters, 0.1);
  EXPECT_FLOAT_EQ(value[0], 1.9F);
  EXPECT_EQ(value[1], 2.0F);
}

TEST(adamw, does_not_depend_on_how_arrays_are_cut) {
  // 100,000 numbers span two of the pieces that threads share.
  const std::size_t size = 100'000;
  std::vector<float> whole(size);
  std::vector<float> gradient(size);
  for (std::size_t i = 0; i < size; ++i) {
    whole[i] = static_cast<float>(i % 97) * 0.01F;
    gradient[i] = static_cast<float>(i % 31) - 15.0F;
  }
  std::vector<float> parts = whole;
  const std::vector<parameter> one = {{"w", {size}, whole, gradient, true}};
  std::vector<parameter> many;
  for (std::size_t i = 0; i < size; i += 1000) {
    many.push_back({"w" + std::to_string(i),
                    {1000},
                    std::span(parts).subspan(i, 1000),
                    std::span(gradient).subspan(i, 1000),
                    true});
  }
  adamw a;
  adamw b;
  for (int step = 0; step < 3; ++step) {
    a.step(one, 1e-3, 0.5F);
    b.step(many, 1e-3, 0.5F);
  }
  EXPECT_EQ(whole, parts);
}

TEST(adamw, refuses_the_parameters_of_another_model) {
  std::vector<float> value(3);
  std::vector<float> gradient(3);
  adamw o;
  o.step(std::vector<parameter>{{"w", {3}, value, gradient, true}}, 0.1);
  EXPECT_THROW(o.step(
                   std::vector<parameter>{
                       {"w", {2}, std::span(value).first(2), std::span(gradient).first(2), true}},
                   0.1),
               usage_error);
}

TEST(adamw, describes_every_setting) {
  EXPECT_EQ(adamw(adamw_options{.weight_decay = 0.5}).describe(),
            "adamw beta1=0.90000000000000002 beta2=0.999 epsilon=1e-08 weight_decay=0.5");
}

}  // namespace
}  // namespace prefopt
