#include <prefopt/train/gradient_norm.hpp>

#include <cmath>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include <prefopt/train/adamw.hpp>

#include "train/golden_optimizer.hpp"

namespace prefopt {
namespace {

std::vector<parameter> one_parameter(std::vector<float>& value, std::vector<float>& gradient) {
  return {{"w", {value.size()}, value, gradient, true}};
}

TEST(clip_factor, folded_into_a_step_equals_torchs_clip_grad_norm) {
  const nlohmann::json goldens = test::optimizer_goldens();
  auto value = goldens.at("value").get<std::vector<float>>();
  std::vector<float> gradient(value.size());
  const auto parameters = one_parameter(value, gradient);
  adamw optimizer;
  for (std::size_t step = 0; step < 5; ++step) {
    test::load(goldens.at("gradients")[step], gradient);
    const double norm = gradient_norm(parameters);
    EXPECT_NEAR(norm, goldens.at("clipped").at("norms")[step].get<double>(), 1e-6);
    optimizer.step(parameters, 0.1, clip_factor(norm, 1.0));
    const auto expected = goldens.at("clipped").at("trace")[step].get<std::vector<float>>();
    for (std::size_t i = 0; i < value.size(); ++i) EXPECT_NEAR(value[i], expected[i], 2e-6);
  }
}

TEST(clip_gradient_norm, shortens_long_gradients_only) {
  std::vector<float> value(2);
  std::vector<float> gradient = {3.0F, 4.0F};
  const auto parameters = one_parameter(value, gradient);
  EXPECT_DOUBLE_EQ(clip_gradient_norm(parameters, 0.0), 5.0);
  EXPECT_DOUBLE_EQ(clip_gradient_norm(parameters, 10.0), 5.0);
  EXPECT_EQ(gradient, (std::vector<float>{3.0F, 4.0F}));
  EXPECT_DOUBLE_EQ(clip_gradient_norm(parameters, 1.0), 5.0);
  EXPECT_NEAR(gradient_norm(parameters), 1.0, 1e-6);
}

TEST(gradient_norm, keeps_what_float_sums_lose) {
  // A float sum of squares stops growing at 2^24.
  std::vector<float> value(20'000'000);
  std::vector<float> gradient(value.size(), 1.0F);
  EXPECT_DOUBLE_EQ(gradient_norm(one_parameter(value, gradient)), std::sqrt(2e7));
}

TEST(gradient_norm, shows_what_is_not_finite) {
  std::vector<float> value(70'000);
  std::vector<float> gradient(value.size(), 1.0F);
  gradient[69'999] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_TRUE(std::isnan(gradient_norm(one_parameter(value, gradient))));
}

}  // namespace
}  // namespace prefopt
