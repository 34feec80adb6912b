#pragma once

// The part of what every `compute_backend` has to pass that is about drawing tokens, beside
// conformance.hpp: against sorting everything in double precision, at the sizes at which
// implementations cut their work, with ties, and where numbers are not finite. Exponentials are
// rounded, so that a draw right between two tokens may be either.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <prefopt/backend/compute_backend.hpp>
#include <prefopt/core/error.hpp>

#include "backend/numbers.hpp"

namespace prefopt::test {

inline constexpr double last_uniform = 1.0 - 0x1.0p-53;  // no random number is larger

namespace reference {

/// A row of logits with everything in order: what may be drawn, and what is.
class draw {
 public:
  draw(numbers logits, const draw_options& how)
      : logits_(std::move(logits)), order_(logits_.size()) {
    largest_ = *std::max_element(logits_.begin(), logits_.end());
    std::iota(order_.begin(), order_.end(), std::size_t{0});
    const bool by_count = how.top_k != 0 && how.top_k < logits_.size();
    if (how.temperature == 0.0 || by_count || how.top_p < 1.0) {
      std::stable_sort(order_.begin(), order_.end(),
                       [&](std::size_t a, std::size_t b) { return logits_[a] > logits_[b]; });
    }
    if (by_count) order_.resize(how.top_k);
    if (how.temperature == 0.0) order_.resize(1);
    sums_.push_back(0.0);
    for (const std::size_t v : order_) {
      const double scale = how.temperature == 0.0 ? 1.0 : 1.0 / how.temperature;
      sums_.push_back(sums_.back() + std::exp((logits_[v] - largest_) * scale));
    }
    enough_ = how.top_p * sums_.back();
  }

  /// Whether `uniform` leads to that token, up to rounding. The number of tokens that top-p keeps
  /// is what rounding may change too, and at the end it may lead past all: then to the likeliest.
  [[nodiscard]] bool may_be(std::size_t token, double uniform) const {
    const double slack = 1e-6 * sums_.back();
    const auto place =
        static_cast<std::size_t>(std::find(order_.begin(), order_.end(), token) - order_.begin());
    if (place == order_.size()) return false;
    for (std::size_t count = 1; count <= order_.size(); ++count) {
      if (sums_[count - 1] > enough_ + slack) break;
      if (count < order_.size() && sums_[count] < enough_ - slack) continue;
      const double at = uniform * sums_[count];
      if (logits_[token] == largest_ && at >= (1.0 - 1e-12) * sums_[count]) return true;
      if (place < count && sums_[place] <= at + slack && at <= sums_[place + 1] + slack) {
        return true;
      }
    }
    return false;
  }

  [[nodiscard]] double log_prob(std::size_t token) const {
    double total = 0.0;
    for (const double logit : logits_) total += std::exp(logit - largest_);
    return logits_[token] - largest_ - std::log(total);
  }

 private:
  numbers logits_;
  std::vector<std::size_t> order_;
  numbers sums_;  // of the weights before each place of the order, and of all
  double enough_ = 0.0;
  double largest_ = 0.0;
};

}  // namespace reference

template <class Backend>
class backend_draw : public testing::Test {
 protected:
  static std::vector<sampled_token> drawn(std::size_t columns, const numbers& logits,
                                          const draw_options& how, const numbers& uniforms) {
    held_matrix<Backend> held(uniforms.size(), columns, logits);
    std::vector<sampled_token> result(uniforms.size(), sampled_token{-7, 1.0});
    Backend::draw_tokens(held.view(), how, uniforms, result);
    return result;
  }

  /// Each row's token and log-prob are those of the reference.
  static void check(std::size_t columns, const numbers& logits, const draw_options& how,
                    const numbers& uniforms) {
    SCOPED_TRACE(testing::Message() << columns << " tokens, T " << how.temperature << ", k "
                                    << how.top_k << ", p " << how.top_p);
    const std::vector<sampled_token> found = drawn(columns, logits, how, uniforms);
    for (std::size_t r = 0; r < found.size(); ++r) {
      const auto begin = logits.begin() + static_cast<std::ptrdiff_t>(r * columns);
      const reference::draw expected(numbers(begin, begin + static_cast<std::ptrdiff_t>(columns)),
                                     how);
      ASSERT_GE(found[r].token, 0) << "row " << r;
      ASSERT_LT(static_cast<std::size_t>(found[r].token), columns) << "row " << r;
      const auto token = static_cast<std::size_t>(found[r].token);
      EXPECT_TRUE(expected.may_be(token, uniforms[r]))
          << "row " << r << ", token " << token << " by " << uniforms[r];
      EXPECT_NEAR(found[r].log_prob, expected.log_prob(token),
                  1e-6 * (1.0 + std::abs(expected.log_prob(token))))
          << "row " << r;
    }
  }

  static numbers uniforms_of(std::size_t rows, std::uint32_t seed) {
    numbers result = random_numbers(rows, seed, 0.5);
    for (double& u : result) u = std::min(u + 0.5, last_uniform);
    if (rows > 2) result[0] = 0.0;
    if (rows > 2) result[1] = last_uniform;
    return result;
  }
};

TYPED_TEST_SUITE_P(backend_draw);

TYPED_TEST_P(backend_draw, tokens_are_those_of_sorting_everything) {
  constexpr std::size_t rows = 4;
  std::uint32_t seed = 0;
  for (const std::size_t columns : {1U, 2U, 127U, 128U, 129U, 1000U}) {
    for (const double spread : {0.5, 12.0}) {
      for (const double temperature : {0.0, 0.7, 1.0, 3.0}) {
        for (const std::size_t k : {0U, 1U, 2U, 50U, 999U, 5000U}) {
          for (const double p : {1e-9, 0.3, 0.9, 0.999, 1.0}) {
            ++seed;
            this->check(columns, random_numbers(rows * columns, seed, spread),
                        {.temperature = temperature, .top_k = k, .top_p = p},
                        this->uniforms_of(rows, seed));
          }
        }
      }
    }
  }
}

TYPED_TEST_P(backend_draw, of_a_whole_vocabulary) {
  constexpr std::size_t columns = 50257, rows = 3;
  const numbers logits = random_numbers(rows * columns, 1, 6.0);
  for (const draw_options how :
       {draw_options{}, draw_options{.temperature = 0.0}, draw_options{.top_k = 50},
        draw_options{.temperature = 0.8, .top_p = 0.9}, draw_options{.top_k = 40000},
        draw_options{.top_k = 300, .top_p = 0.5}}) {
    this->check(columns, logits, how, this->uniforms_of(rows, 2));
  }
}

TYPED_TEST_P(backend_draw, equal_logits_go_by_the_smaller_token) {
  constexpr std::size_t columns = 3000;  // more than an implementation might keep at hand
  const numbers equal(4 * columns, -2.5);
  for (const std::size_t k : {0U, 1U, 7U, 2999U}) {
    const std::vector<sampled_token> found =
        this->drawn(columns, equal, {.top_k = k}, {0.0, 0.25 + 1e-9, 0.5 + 1e-9, last_uniform});
    const std::size_t kept = k == 0 ? columns : k;
    EXPECT_EQ(found[0].token, 0);
    EXPECT_EQ(static_cast<std::size_t>(found[1].token), kept / 4);
    EXPECT_EQ(static_cast<std::size_t>(found[2].token), kept / 2);
    EXPECT_EQ(static_cast<std::size_t>(found[3].token), kept - 1);
    for (const sampled_token& t : found) EXPECT_NEAR(t.log_prob, -std::log(3000.0), 1e-6);
  }
  // Of eight that are the largest, the first three are kept; -0 and 0 are equal.
  numbers some = random_numbers(200, 3);
  for (const std::size_t place : {7U, 20U, 77U, 100U, 130U, 131U, 150U, 199U}) some[place] = 0.0;
  for (double& logit : some) logit = logit == 0.0 ? 0.0 : -1.0 - std::abs(logit);
  some[20] = -0.0;
  const auto token = [&](const draw_options& how, double uniform) {
    return this->drawn(200, some, how, {uniform}).front().token;
  };
  EXPECT_EQ(token({.temperature = 0.0}, 0.9), 7);
  EXPECT_EQ(token({.top_k = 3}, 0.0), 7);
  EXPECT_EQ(token({.top_k = 3}, 0.5), 20);
  EXPECT_EQ(token({.top_k = 3}, 0.99), 77);
}

TYPED_TEST_P(backend_draw, logits_far_apart_are_no_trouble) {
  const numbers logits{-3e38, 3e38, 0.0, -3e38};
  for (const double temperature : {0.0, 1e-6, 1.0, 1e6}) {
    for (const std::size_t k : {0U, 1U, 3U}) {
      for (const double p : {1e-3, 1.0}) {
        for (const double uniform : {0.0, 0.5, last_uniform}) {
          const std::vector<sampled_token> found = this->drawn(
              4, logits, {.temperature = temperature, .top_k = k, .top_p = p}, {uniform});
          EXPECT_EQ(found[0].token, 1);
          EXPECT_EQ(found[0].log_prob, 0.0);
        }
      }
    }
  }
  // After the last token with a weight come blocks without any, into which rounding must not lead.
  numbers long_tail(700, -1000.0);
  for (std::uint32_t seed = 0; seed < 20; ++seed) {
    const numbers head = random_numbers(300, seed, 5.0);
    std::copy(head.begin(), head.end(), long_tail.begin());
    const std::vector<sampled_token> found = this->drawn(700, long_tail, {}, {last_uniform});
    EXPECT_LT(found[0].token, 300);
    EXPECT_GE(found[0].token, 0);
  }
}

TYPED_TEST_P(backend_draw, rows_that_are_not_finite_are_named) {
  constexpr std::size_t columns = 300;
  constexpr double infinity = std::numeric_limits<double>::infinity();
  numbers logits = random_numbers(6 * columns, 1, 5.0);
  logits[0] = std::numeric_limits<double>::quiet_NaN();
  logits[2 * columns + 150] = infinity;
  logits[4 * columns + 299] = -infinity;
  for (const draw_options how :
       {draw_options{}, draw_options{.temperature = 0.0}, draw_options{.top_k = 4, .top_p = 0.9}}) {
    const std::vector<sampled_token> found = this->drawn(columns, logits, how, numbers(6, 0.5));
    for (std::size_t r = 0; r < 6; ++r) {
      EXPECT_EQ(found[r].token == no_token, r % 2 == 0) << "row " << r;
    }
  }
}

TYPED_TEST_P(backend_draw, a_row_does_not_depend_on_the_others) {
  constexpr std::size_t columns = 700, rows = 9;
  const numbers logits = random_numbers(rows * columns, 1, 6.0);
  const numbers uniforms = this->uniforms_of(rows, 2);
  for (const draw_options how : {draw_options{}, draw_options{.top_k = 30, .top_p = 0.8}}) {
    const std::vector<sampled_token> all = this->drawn(columns, logits, how, uniforms);
    for (std::size_t r = 0; r < rows; ++r) {
      const auto begin = logits.begin() + static_cast<std::ptrdiff_t>(r * columns);
      const sampled_token alone =
          this->drawn(columns, numbers(begin, begin + columns), how, {uniforms[r]}).front();
      EXPECT_EQ(alone.token, all[r].token);
      EXPECT_EQ(alone.log_prob, all[r].log_prob);
    }
  }
}

TYPED_TEST_P(backend_draw, what_cannot_be_is_refused_and_no_rows_are_no_trouble) {
  EXPECT_TRUE(this->drawn(5, {}, {}, {}).empty());
  EXPECT_THROW((void)this->drawn(2, {1.0, 2.0}, {.temperature = -1.0}, {0.5}), usage_error);
  EXPECT_THROW((void)this->drawn(2, {1.0, 2.0}, {.top_p = 0.0}, {0.5}), usage_error);
}

REGISTER_TYPED_TEST_SUITE_P(backend_draw, tokens_are_those_of_sorting_everything,
                            of_a_whole_vocabulary, equal_logits_go_by_the_smaller_token,
                            logits_far_apart_are_no_trouble, rows_that_are_not_finite_are_named,
                            a_row_does_not_depend_on_the_others,
                            what_cannot_be_is_refused_and_no_rows_are_no_trouble);

}  // namespace prefopt::test
