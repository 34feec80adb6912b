#include <prefopt/eval/bootstrap.hpp>

#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

#include <prefopt/core/error.hpp>
#include <prefopt/core/random.hpp>

namespace prefopt {
namespace {

double normal(random_stream& random) {
  const double radius = std::sqrt(-2.0 * std::log(1.0 - random.uniform()));
  return radius * std::cos(2.0 * 3.14159265358979323846 * random.uniform());
}

TEST(bootstrap_mean, IntervalIsThatOfTheNormalApproximation) {
  random_stream random(3);
  std::vector<double> values(400);
  for (double& value : values) value = 5.0 + 2.0 * normal(random);
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / 400.0;
  double square = 0.0;
  for (const double value : values) square += (value - mean) * (value - mean);
  const double error = std::sqrt(square / 400.0 / 400.0);
  const auto estimate = bootstrap_mean(values, {.level = 0.9, .resamples = 20000});
  EXPECT_DOUBLE_EQ(estimate.mean, mean);
  EXPECT_EQ(estimate.count, 400U);
  EXPECT_NEAR(estimate.low, mean - 1.645 * error, 0.05 * error);
  EXPECT_NEAR(estimate.high, mean + 1.645 * error, 0.05 * error);
}

TEST(bootstrap_mean, HoldsTheTrueMeanAsOftenAsItSays) {
  constexpr int trials = 400;
  int held = 0;
  for (std::uint32_t trial = 0; trial < trials; ++trial) {
    random_stream random(17, trial);
    std::vector<double> values(40);
    for (double& value : values) value = -std::log(1.0 - random.uniform());  // mean 1, skewed
    const auto estimate =
        bootstrap_mean(values, {.level = 0.9, .resamples = 400, .seed = trial + 1});
    held += estimate.low <= 1.0 && 1.0 <= estimate.high ? 1 : 0;
  }
  // The percentile interval of 40 exponential values holds it in about 87 %; the standard error of
  // this count is 1.7 points.
  EXPECT_GT(held, 0.82 * trials);
  EXPECT_LT(held, 0.94 * trials);
}

TEST(bootstrap_mean, ClustersMakeTheIntervalHonest) {
  constexpr int trials = 300;
  int clustered_held = 0;
  int naive_held = 0;
  for (std::uint32_t trial = 0; trial < trials; ++trial) {
    random_stream random(23, trial);
    std::vector<double> values;
    std::vector<std::size_t> prompts;
    for (std::size_t prompt = 0; prompt < 30; ++prompt) {
      const double effect = normal(random);  // responses to a prompt are alike
      for (int response = 0; response < 8; ++response) {
        values.push_back(effect + 0.3 * normal(random));
        prompts.push_back(1000 - prompt);
      }
    }
    const bootstrap_options options{.level = 0.9, .resamples = 200, .seed = trial + 1};
    const auto clustered = bootstrap_mean(values, prompts, options);
    const auto naive = bootstrap_mean(values, options);
    EXPECT_NEAR(clustered.mean, naive.mean, 1e-12);
    EXPECT_EQ(clustered.count, 240U);
    clustered_held += clustered.low <= 0.0 && 0.0 <= clustered.high ? 1 : 0;
    naive_held += naive.low <= 0.0 && 0.0 <= naive.high ? 1 : 0;
  }
  EXPECT_GT(clustered_held, 0.82 * trials);
  EXPECT_LT(clustered_held, 0.96 * trials);
  EXPECT_LT(naive_held, 0.6 * trials);
}

TEST(bootstrap_mean, ClustersOfUnequalSizeWeighByTheirSize) {
  const std::vector<double> values{1.0, 1.0, 1.0, 5.0};
  const std::vector<std::size_t> clusters{7, 7, 7, 9};
  const auto estimate = bootstrap_mean(values, clusters);
  EXPECT_DOUBLE_EQ(estimate.mean, 2.0);
  EXPECT_DOUBLE_EQ(estimate.low, 1.0);   // both draws are cluster 7
  EXPECT_DOUBLE_EQ(estimate.high, 5.0);  // both draws are cluster 9
}

TEST(bootstrap_mean, TheSeedDecides) {
  const std::vector<double> values{1.0, 2.0, 4.0, 8.0, 16.0};
  const auto first = bootstrap_mean(values, {.resamples = 50, .seed = 5});
  const auto again = bootstrap_mean(values, {.resamples = 50, .seed = 5});
  const auto other = bootstrap_mean(values, {.resamples = 50, .seed = 6});
  EXPECT_EQ(first.low, again.low);
  EXPECT_EQ(first.high, again.high);
  EXPECT_TRUE(first.low != other.low || first.high != other.high);
}

TEST(bootstrap_mean, OneValueOrEqualValuesAreAPoint) {
  for (const std::vector<double>& values : {std::vector<double>{3.5}, {2.0, 2.0, 2.0}}) {
    const auto estimate = bootstrap_mean(values);
    EXPECT_EQ(estimate.mean, values[0]);
    EXPECT_EQ(estimate.low, values[0]);
    EXPECT_EQ(estimate.high, values[0]);
  }
}

TEST(bootstrap_mean, RefusesWhatHasNoMean) {
  const std::vector<double> none;
  const std::vector<double> two{1.0, 2.0};
  const std::vector<double> nan{1.0, std::numeric_limits<double>::quiet_NaN()};
  const std::vector<std::size_t> one_cluster{0};
  EXPECT_THROW(bootstrap_mean(none), usage_error);
  EXPECT_THROW(bootstrap_mean(none, std::span<const std::size_t>{}), usage_error);
  EXPECT_THROW(bootstrap_mean(nan), usage_error);
  EXPECT_THROW(bootstrap_mean(two, one_cluster), usage_error);
  EXPECT_THROW(bootstrap_mean(two, {.level = 1.0}), usage_error);
  EXPECT_THROW(bootstrap_mean(two, {.level = std::nan("")}), usage_error);
  EXPECT_THROW(bootstrap_mean(two, {.resamples = 0}), usage_error);
}

TEST(bootstrap_difference, WhatIsSharedDropsOut) {
  random_stream random(5);
  std::vector<double> before(50);
  std::vector<double> after(50);
  for (std::size_t i = 0; i < before.size(); ++i) {
    before[i] = 10.0 * normal(random);
    after[i] = before[i] + 1.0 + 0.1 * normal(random);
  }
  const auto difference = bootstrap_difference(after, before);
  EXPECT_GT(difference.low, 0.95);
  EXPECT_LT(difference.high, 1.05);
  EXPECT_GT(bootstrap_mean(before).high, bootstrap_mean(after).low);  // unpaired tells nothing
  const std::vector<std::size_t> together(50, 0);
  EXPECT_EQ(bootstrap_difference(after, before, together).low, difference.mean);
  EXPECT_THROW(bootstrap_difference(after, std::vector<double>{1.0}), usage_error);
}

}  // namespace
}  // namespace prefopt
