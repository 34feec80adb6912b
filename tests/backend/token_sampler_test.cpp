#include <prefopt/backend/token_sampler.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

#include <prefopt/core/random.hpp>

namespace prefopt {
namespace {

std::vector<float> random_logits(std::size_t count, std::uint64_t seed, double spread = 8.0) {
  random_stream random(seed);
  std::vector<float> logits(count);
  for (float& logit : logits) logit = static_cast<float>(spread * random.uniform());
  return logits;
}

/// exp(logit / temperature), not normalized.
std::vector<double> plain_weights(const std::vector<float>& logits, double temperature) {
  const double largest = static_cast<double>(*std::max_element(logits.begin(), logits.end()));
  std::vector<double> weights;
  for (const float logit : logits) {
    weights.push_back(std::exp((static_cast<double>(logit) - largest) / temperature));
  }
  return weights;
}

/// Top-k, then top-p, by sorting everything.
std::vector<token_id> plain_support(const std::vector<float>& logits, const draw_options& o) {
  const auto weights = plain_weights(logits, o.temperature);
  std::vector<token_id> order(logits.size());
  std::iota(order.begin(), order.end(), 0);
  const auto logit = [&](token_id t) { return logits[static_cast<std::size_t>(t)]; };
  std::stable_sort(order.begin(), order.end(),
                   [&](token_id a, token_id b) { return logit(a) > logit(b); });
  if (o.top_k != 0 && o.top_k < order.size()) order.resize(o.top_k);
  if (o.top_p == 1.0) return order;
  double total = 0.0;
  for (const token_id t : order) total += weights[static_cast<std::size_t>(t)];
  double sum = 0.0;
  std::size_t count = 0;
  while (sum < o.top_p * total) sum += weights[static_cast<std::size_t>(order[count++])];
  order.resize(count);
  return order;
}

/// Pearson's statistic of `draws` draws over tokens with these weights must be within five standard
/// deviations (sqrt(2 d)) of d, the degrees of freedom.
void check_frequencies(const std::vector<float>& logits, const draw_options& options,
                       std::vector<double> weights) {
  constexpr std::size_t draws = 100000;
  token_sampler sampler(options);
  random_stream random(42);
  std::vector<std::size_t> counts(logits.size());
  for (std::size_t n = 0; n < draws; ++n) {
    const auto picked = sampler.pick(logits, random.uniform());
    ASSERT_NE(picked.token, no_token);
    ++counts[static_cast<std::size_t>(picked.token)];
  }
  const double total = std::accumulate(weights.begin(), weights.end(), 0.0);
  double statistic = 0.0;
  double degrees = -1.0;
  double rest_expected = 0.0;  // tokens too rare for the approximation, taken together
  double rest_found = 0.0;
  for (std::size_t v = 0; v < weights.size(); ++v) {
    const double expected = weights[v] / total * draws;
    const auto found = static_cast<double>(counts[v]);
    if (weights[v] == 0.0) {
      EXPECT_EQ(counts[v], 0U) << v;
    } else if (expected < 10.0) {
      rest_expected += expected;
      rest_found += found;
    } else {
      statistic += (found - expected) * (found - expected) / expected;
      degrees += 1.0;
    }
  }
  if (rest_expected >= 10.0) {
    statistic += (rest_found - rest_expected) * (rest_found - rest_expected) / rest_expected;
    degrees += 1.0;
  }
  ASSERT_GE(degrees, 1.0);
  EXPECT_LT(std::abs(statistic - degrees), 5.0 * std::sqrt(2.0 * degrees)) << degrees;
}

TEST(TokenSampler, FrequenciesFollowSoftmax) {
  for (const std::size_t vocabulary : {2U, 37U, 300U}) {
    const auto logits = random_logits(vocabulary, vocabulary, 4.0);
    for (const double temperature : {0.5, 1.0, 2.0}) {
      check_frequencies(logits, {.temperature = temperature}, plain_weights(logits, temperature));
    }
  }
}

TEST(TokenSampler, FrequenciesWithinTheSupportFollowSoftmax) {
  const auto logits = random_logits(300, 5, 4.0);
  const draw_options options{.temperature = 0.7, .top_k = 40, .top_p = 0.9};
  const auto all = plain_weights(logits, options.temperature);
  std::vector<double> weights(logits.size());
  for (const token_id t : plain_support(logits, options)) {
    weights[static_cast<std::size_t>(t)] = all[static_cast<std::size_t>(t)];
  }
  check_frequencies(logits, options, weights);
}

TEST(TokenSampler, SupportsEqualThoseOfSorting) {
  random_stream random(3);
  std::size_t tried = 0;
  for (const std::size_t vocabulary : {1U, 2U, 16U, 17U, 128U, 129U, 1000U, 20000U}) {
    for (const double spread : {0.0, 1.0, 30.0}) {
      const auto logits = random_logits(vocabulary, vocabulary + tried, spread);
      for (const std::size_t k : {0U, 1U, 2U, 7U, 50U, 999U}) {
        for (const double p : {1e-9, 0.1, 0.5, 0.9, 0.999, 1.0}) {
          for (const double temperature : {0.3, 1.0}) {
            const draw_options options{.temperature = temperature, .top_k = k, .top_p = p};
            if ((k == 0 || k >= vocabulary) && p == 1.0) continue;
            // Equal weights put p exactly between two tokens, where rounding decides.
            if (spread == 0.0 && p < 1.0 && p > 1e-9) continue;
            token_sampler sampler(options);
            const auto picked = sampler.pick(logits, random.uniform());
            ASSERT_NE(picked.token, no_token);
            const auto expected = plain_support(logits, options);
            ASSERT_TRUE(std::equal(expected.begin(), expected.end(), sampler.support().begin(),
                                   sampler.support().end()))
                << vocabulary << " tokens, spread " << spread << ", k " << k << ", p " << p
                << ", T " << temperature << ": " << sampler.support().size() << " kept, not "
                << expected.size();
            EXPECT_NE(std::find(expected.begin(), expected.end(), picked.token), expected.end());
            ++tried;
          }
        }
      }
    }
  }
  EXPECT_GT(tried, 1000U);
}

TEST(TokenSampler, LogProbIsTheModelsWhateverIsCutOff) {
  const auto logits = random_logits(5000, 9);
  const auto weights = plain_weights(logits, 1.0);
  const double log_total = std::log(std::accumulate(weights.begin(), weights.end(), 0.0));
  random_stream random(1);
  for (const double temperature : {0.0, 0.5, 1.0, 3.0}) {
    for (const std::size_t k : {0U, 10U}) {
      token_sampler sampler({.temperature = temperature, .top_k = k, .top_p = 0.8});
      for (int n = 0; n < 20; ++n) {
        const auto picked = sampler.pick(logits, random.uniform());
        ASSERT_NE(picked.token, no_token);
        EXPECT_NEAR(picked.log_prob,
                    std::log(weights[static_cast<std::size_t>(picked.token)]) - log_total, 1e-5);
      }
    }
  }
}

TEST(TokenSampler, GreedyTakesTheFirstOfTheLargest) {
  auto logits = random_logits(1000, 2);
  logits[700] = 20.0F;
  logits[300] = 20.0F;
  token_sampler sampler({.temperature = 0.0, .top_k = 5, .top_p = 0.5});
  EXPECT_EQ(sampler.pick(logits, 0.999).token, 300);
}

TEST(TokenSampler, ExtremeLogitsAndDraws) {
  const std::vector<float> logits{-3e38F, 3e38F, 0.0F, -3e38F};
  for (const double temperature : {1e-6, 1.0, 1e6}) {
    for (const double u : {0.0, 0.5, 1.0 - 0x1.0p-53}) {
      token_sampler sampler({.temperature = temperature});
      const auto picked = sampler.pick(logits, u);
      ASSERT_NE(picked.token, no_token);
      EXPECT_EQ(picked.token, 1);
      EXPECT_EQ(picked.log_prob, 0.0);
    }
  }
  // The very last token can be drawn, and nothing beyond it.
  const std::vector<float> equal(1000, 1.0F);
  EXPECT_EQ(token_sampler({}).pick(equal, 1.0 - 0x1.0p-53).token, 999);
  EXPECT_EQ(token_sampler({}).pick(equal, 0.0).token, 0);
}

TEST(TokenSampler, NotFiniteIsNothing) {
  const float inf = std::numeric_limits<float>::infinity();
  for (const float bad : {inf, -inf, std::numeric_limits<float>::quiet_NaN()}) {
    for (const std::size_t place : {0U, 15U, 16U, 130U, 999U}) {
      auto logits = random_logits(1000, 7);
      logits[place] = bad;
      EXPECT_EQ(token_sampler({}).pick(logits, 0.5).token, no_token) << bad << " at " << place;
      EXPECT_EQ(token_sampler({.temperature = 0.0}).pick(logits, 0.5).token, no_token);
    }
  }
  EXPECT_EQ(token_sampler({}).pick({}, 0.5).token, no_token);
}

}  // namespace
}  // namespace prefopt
