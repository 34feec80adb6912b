#include <prefopt/eval/kl.hpp>

#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <prefopt/core/random.hpp>

namespace prefopt {
namespace {

constexpr token_id end_token = 2;

/// Logits depend on the whole prefix, through its hash; token 0 to 2, where 2 is the end.
class prefix_model {
 public:
  explicit prefix_model(std::uint64_t seed, double spread = 1.0) : seed_(seed), spread_(spread) {}

  [[nodiscard]] std::size_t vocabulary_size() const { return 3; }

  [[nodiscard]] std::vector<float> logits(std::span<const token_id> prefix) const {
    std::uint32_t hash = 17;
    for (const token_id token : prefix) hash = hash * 31 + static_cast<std::uint32_t>(token) + 1;
    random_stream random(seed_, hash);
    std::vector<float> row(3);
    for (float& value : row) value = static_cast<float>(spread_ * (2.0 * random.uniform() - 1.0));
    return row;
  }
  [[nodiscard]] std::vector<double> probabilities(std::span<const token_id> prefix) const {
    std::vector<double> p;
    double sum = 0.0;
    for (const float value : logits(prefix)) sum += p.emplace_back(std::exp(double{value}));
    for (double& value : p) value /= sum;
    return p;
  }

  template <class Visit>
  void visit_logits(const response_batch& batch, Visit&& visit) {
    ++calls;
    std::size_t number = 0;
    for (const response_group& group : batch.groups) {
      for (const auto& response : group.responses) {
        token_sequence prefix(group.prompt.begin(), group.prompt.end());
        for (std::size_t t = 0; t < response.size(); ++t) {
          const auto row = logits(prefix);
          visit(number, t, std::span<const float>(row));
          prefix.push_back(response[t]);
        }
        ++number;
      }
    }
  }

  int calls = 0;

 private:
  std::uint64_t seed_;
  double spread_;
};
static_assert(distribution_model<prefix_model>);

/// Every response of at most three tokens, with the policy's probability of it.
void enumerate(const prefix_model& policy, token_sequence& text, std::size_t prompt, double p,
               std::vector<std::pair<token_sequence, double>>& all) {
  const bool ended = text.size() > prompt && text.back() == end_token;
  if (ended || text.size() == prompt + 3) {
    all.emplace_back(token_sequence(text.begin() + static_cast<std::ptrdiff_t>(prompt), text.end()),
                     p);
    return;
  }
  const auto next = policy.probabilities(text);
  for (token_id token = 0; token < 3; ++token) {
    text.push_back(token);
    enumerate(policy, text, prompt, p * next[static_cast<std::size_t>(token)], all);
    text.pop_back();
  }
}

TEST(kl_divergence, AllThreeHaveTheSequencesDivergenceAsTheirExpectation) {
  prefix_model policy(1);
  prefix_model reference(2);
  token_sequence prompt{0, 1};
  std::vector<std::pair<token_sequence, double>> all;
  token_sequence text = prompt;
  enumerate(policy, text, prompt.size(), 1.0, all);
  ASSERT_EQ(all.size(), 1U + 2U + 4U * 3U);
  response_batch batch;
  batch.groups.push_back({prompt, {}});
  double divergence = 0.0;  // sum_y p(y) log(p(y) / q(y))
  for (const auto& [response, p] : all) {
    batch.groups[0].responses.emplace_back(response);
    double q = 1.0;
    token_sequence prefix = prompt;
    for (const token_id token : response) {
      q *= reference.probabilities(prefix)[static_cast<std::size_t>(token)];
      prefix.push_back(token);
    }
    divergence += p * std::log(p / q);
  }
  const auto result = kl_divergence(policy, reference, batch);
  EXPECT_EQ(policy.calls, 1);
  EXPECT_EQ(reference.calls, 1);
  double exact = 0.0;
  double k1 = 0.0;
  double k3 = 0.0;
  for (std::size_t r = 0; r < all.size(); ++r) {
    EXPECT_EQ(result.responses[r].tokens, all[r].first.size());
    EXPECT_GE(result.responses[r].exact, 0.0);
    EXPECT_GE(result.responses[r].k3, 0.0);
    exact += all[r].second * result.responses[r].exact;
    k1 += all[r].second * result.responses[r].k1;
    k3 += all[r].second * result.responses[r].k3;
  }
  EXPECT_GT(divergence, 0.05);
  EXPECT_NEAR(exact, divergence, 1e-12);
  EXPECT_NEAR(k1, divergence, 1e-12);
  EXPECT_NEAR(k3, divergence, 1e-12);
}

/// The same distribution at every position, given by its probabilities.
struct constant_model {
  std::vector<float> row;

  explicit constant_model(const std::vector<double>& p) {
    for (const double value : p) row.push_back(static_cast<float>(std::log(value)));
  }
  [[nodiscard]] std::size_t vocabulary_size() const { return row.size(); }
  template <class Visit>
  void visit_logits(const response_batch& batch, Visit&& visit) {
    std::size_t number = 0;
    for (const auto& group : batch.groups) {
      for (const auto& response : group.responses) {
        for (std::size_t t = 0; t < response.size(); ++t) {
          visit(number, t, std::span<const float>(row));
        }
        ++number;
      }
    }
  }
};

TEST(kl_divergence, ClosedForm) {
  constant_model policy({0.5, 0.25, 0.25});
  constant_model reference({0.25, 0.25, 0.5});
  const token_sequence prompt{0};
  const token_sequence long_one{0, 1, 2, 0};
  const token_sequence short_one{2};
  const response_batch batch{{{prompt, {long_one}}, {prompt, {short_one}}}};
  const auto result = kl_divergence(policy, reference, batch);
  const double ln2 = std::log(2.0);
  const double each = 0.5 * ln2 - 0.25 * ln2;
  EXPECT_NEAR(result.responses[0].exact, 4.0 * each, 1e-7);
  EXPECT_NEAR(result.responses[0].k1, ln2 + 0.0 - ln2 + ln2, 1e-7);
  EXPECT_NEAR(result.responses[0].k3, 2.0 * (0.5 - 1.0 + ln2) + (2.0 - 1.0 - ln2), 1e-7);
  EXPECT_NEAR(result.responses[1].exact, each, 1e-7);
  EXPECT_NEAR(result.exact.mean, 2.5 * each, 1e-7);
  EXPECT_NEAR(result.exact.low, each, 1e-7);  // both draws the short one
  EXPECT_NEAR(result.exact.high, 4.0 * each, 1e-7);
}

TEST(kl_divergence, OfAModelWithItselfIsExactlyZero) {
  prefix_model policy(4, 30.0);
  prefix_model same(4, 30.0);
  const token_sequence prompt{1, 0};
  const token_sequence response{0, 1, 0, 0, 2};
  const auto result = kl_divergence(policy, same, {{{prompt, {response, response}}}});
  for (const auto& estimate : {result.exact, result.k1, result.k3}) {
    EXPECT_EQ(estimate.mean, 0.0);
    EXPECT_EQ(estimate.low, 0.0);
    EXPECT_EQ(estimate.high, 0.0);
  }
}

TEST(kl_divergence, DoesNotDependOnWhatElseIsInTheBatchOrOnItsChunks) {
  prefix_model policy(1);
  prefix_model reference(2);
  const token_sequence x{0, 1};
  const token_sequence z{1};
  const std::vector<token_sequence> y{{0, 2}, {1, 1, 1}, {0, 0, 2}, {2}};
  const response_batch batch{{{x, {y[0], y[1], y[2]}}, {z, {y[3]}}}};
  const auto whole = kl_divergence(policy, reference, batch);
  policy.calls = 0;
  const auto cut = kl_divergence(policy, reference, batch, {.held_logits = 0});
  EXPECT_EQ(policy.calls, 4);
  policy.calls = 0;
  const auto two = kl_divergence(policy, reference, batch, {.held_logits = 5 * 3});
  EXPECT_EQ(policy.calls, 3);
  for (std::size_t r = 0; r < 4; ++r) {
    const auto alone =
        kl_divergence(policy, reference, {{{r == 3 ? z : x, {std::span<const token_id>(y[r])}}}});
    for (const auto* other : {&cut.responses[r], &two.responses[r], &alone.responses[0]}) {
      EXPECT_EQ(whole.responses[r].exact, other->exact);
      EXPECT_EQ(whole.responses[r].k1, other->k1);
      EXPECT_EQ(whole.responses[r].k3, other->k3);
    }
  }
}

TEST(kl_divergence, CountsWhatTheAuthorsCount) {
  prefix_model policy(1);
  prefix_model reference(2);
  const token_sequence prompt{0, 1, 1};
  const token_sequence ended{0, end_token};
  const token_sequence cut{1, 1};
  const response_batch batch{{{prompt, {ended, cut}}}};
  const auto result = kl_divergence(policy, reference, batch,
                                    {.counting = kl_counting::as_odpo_authors({end_token})});
  for (std::size_t r = 0; r < 2; ++r) {
    token_sequence text = prompt;
    const auto& response = batch.groups[0].responses[r];
    text.insert(text.end(), response.begin(), response.end());
    const std::size_t counted = r == 0 ? text.size() - 1 : text.size();
    double k3 = 0.0;
    for (std::size_t t = 1; t < counted; ++t) {
      const auto prefix = std::span<const token_id>(text).first(t);
      const auto token = static_cast<std::size_t>(text[t]);
      const double p = policy.probabilities(prefix)[token];
      const double q = reference.probabilities(prefix)[token];
      k3 += q / p - 1.0 + std::log(p / q);
    }
    EXPECT_EQ(result.responses[r].tokens, counted - 1);
    EXPECT_NEAR(result.responses[r].k3, k3, 1e-12);
  }
  // Each of the two choices alone.
  const auto no_end = kl_divergence(policy, reference, batch, {.counting = {false, {end_token}}});
  EXPECT_EQ(no_end.responses[0].tokens, 1U);
  EXPECT_EQ(no_end.responses[1].tokens, 2U);
  const auto several =
      kl_divergence(policy, reference, batch, {.counting = {false, {1, end_token}}});
  EXPECT_EQ(several.responses[0].tokens, 1U);
  EXPECT_EQ(several.responses[1].tokens, 1U);  // the last one alone
  const auto with_prompt = kl_divergence(policy, reference, batch, {.counting = {true, {}}});
  EXPECT_EQ(with_prompt.responses[0].tokens, 4U);
}

TEST(kl_divergence, FarApartIsLargeAndFinite) {
  prefix_model policy(1, 2000.0);
  prefix_model reference(2, 2000.0);
  const token_sequence prompt{0};
  const token_sequence response{0, 1};
  const auto result = kl_divergence(policy, reference, {{{prompt, {response}}}}).responses[0];
  EXPECT_GT(result.exact, 100.0);
  EXPECT_TRUE(std::isfinite(result.exact));
}

TEST(kl_divergence, RefusesAndNamesTheResponse) {
  constant_model good({0.5, 0.25, 0.25});
  constant_model nan = good;
  nan.row[1] = std::numeric_limits<float>::quiet_NaN();
  constant_model zero = good;
  zero.row[2] = -std::numeric_limits<float>::infinity();
  constant_model larger({0.25, 0.25, 0.25, 0.25});
  const token_sequence x{0};
  const token_sequence y{1, 1};
  const token_sequence beyond{1, 3};
  const response_batch batch{{{x, {y}}, {x, {y, y}}}};
  const auto message = [&](auto& policy, auto& reference, const response_batch& of) -> std::string {
    try {
      kl_divergence(policy, reference, of);
    } catch (const kl_error& problem) {
      return problem.what();
    }
    return "";
  };
  EXPECT_EQ(message(nan, good, batch),
            "response 0: token 0: the policy's logits are not all finite");
  EXPECT_EQ(message(good, zero, batch),
            "response 0: token 0: the reference's logits are not all finite");
  EXPECT_EQ(message(good, good, {{{x, {y}}, {x, {y, beyond}}}}),
            "response 2: token 1: is 3, beyond the vocabulary of 3");
  EXPECT_EQ(message(good, good, {{{x, {y, {}}}}}), "response 1: has no tokens");
  EXPECT_EQ(message(good, good, {{{{}, {y}}}}), "response 0: its prompt has no tokens");
  EXPECT_THROW(kl_divergence(good, good, {}), usage_error);
  EXPECT_THROW(kl_divergence(good, larger, batch), usage_error);
}

}  // namespace
}  // namespace prefopt
