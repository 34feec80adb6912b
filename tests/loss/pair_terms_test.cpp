#include <prefopt/loss/pair_terms.hpp>

#include <cmath>
#include <fstream>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

#include <prefopt/loss/differentiated.hpp>
#include <prefopt/loss/functions.hpp>
#include <prefopt/loss/presets.hpp>

#include "support/data.hpp"

// TRL's pairwise losses, each in a few lines of prefopt, against TRL itself
// (tests/goldens/trl_losses.py): values, gradients and implicit rewards.

namespace prefopt {
namespace {

// The smallest pair_loss, and what is none.
struct gap {
  pair_gradient<double> operator()(const pair_terms<double>& pair) const {
    return {pair.policy_loser - pair.policy_winner, -1, 1};
  }
};
struct gap_without_derivatives {
  double operator()(const pair_terms<double>& pair) const {
    return pair.policy_loser - pair.policy_winner;
  }
};
static_assert(pair_loss<gap> && !pair_loss<gap, float> && !pair_loss<gap_without_derivatives>);

constexpr double beta = 0.3;
constexpr double epsilon = 0.1;
constexpr double gamma = 0.7;
constexpr double tau = 0.05;

struct golden_pair {
  std::string loss;
  pair_terms<double> terms;
  pair_gradient<double> gradient;
  double winner_reward = 0;
  double loser_reward = 0;
};

void expect_near(double got, double want, double scale, const char* what) {
  EXPECT_NEAR(got, want, 1e-6 * std::max(std::abs(want), 1e-9 * scale)) << what;
}

/// Compares with every golden of that name and says how many there were.
template <class Loss>
int check(const std::string& name, const Loss& loss) {
  std::ifstream file(test::golden("loss/trl_losses.txt"));
  int count = 0;
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    golden_pair pair;
    words >> pair.loss;
    if (pair.loss != name) continue;
    words >> pair.terms.policy_winner >> pair.terms.policy_loser >> pair.terms.reference_winner >>
        pair.terms.reference_loser >> pair.terms.winner_tokens >> pair.terms.loser_tokens >>
        pair.gradient.value >> pair.gradient.winner >> pair.gradient.loser >> pair.winner_reward >>
        pair.loser_reward;
    if (!words) {
      ADD_FAILURE() << "damaged: " << line;
      continue;
    }
    SCOPED_TRACE(line);
    const pair_gradient<double> got = loss(pair.terms);
    expect_near(got.value, pair.gradient.value, 1, "value");
    expect_near(got.winner, pair.gradient.winner, 1, "d / d log pi(y_w)");
    expect_near(got.loser, pair.gradient.loser, 1, "d / d log pi(y_l)");
    if constexpr (requires { loss.implicit_reward(0.0, 0.0, 1.0); }) {
      // TRL reports rewards of the summed log-probs also where its loss averages them.
      if (name != "dpo.ipo" && name != "dpo.sigmoid_norm") {
        const pair_terms<double>& t = pair.terms;
        expect_near(loss.implicit_reward(t.policy_winner, t.reference_winner, t.winner_tokens),
                    pair.winner_reward, 1, "rewards/chosen");
        expect_near(loss.implicit_reward(t.policy_loser, t.reference_loser, t.loser_tokens),
                    pair.loser_reward, 1, "rewards/rejected");
      }
    }
    ++count;
  }
  return count;
}

/// beta * log ratio of one response.
template <class Pair>
auto winner_reward(const Pair& pair) {
  return beta * (pair.policy_winner - pair.reference_winner);
}
template <class Pair>
auto loser_reward(const Pair& pair) {
  return beta * (pair.policy_loser - pair.reference_loser);
}

TEST(trl, sigmoid) {
  EXPECT_EQ(check("dpo.sigmoid", dpo(beta)), 21);
}

TEST(trl, hinge) {
  EXPECT_EQ(check("dpo.hinge", rso(beta)), 21);
}

TEST(trl, ipo) {
  EXPECT_EQ(check("dpo.ipo", ipo(beta, length_normalised<reference_log_ratio>{})), 21);
}

TEST(trl, robust) {
  EXPECT_EQ(check("dpo.robust", robust_dpo(beta, epsilon)), 21);
}

// AOT sorts a batch; on a batch of one pair it is DPO with label smoothing.
TEST(trl, label_smoothing) {
  EXPECT_EQ(check("dpo.aot", cdpo(beta, epsilon)), 21);
}

TEST(trl, sigmoid_norm) {
  EXPECT_EQ(
      check("dpo.sigmoid_norm", margin_loss<length_normalised<reference_log_ratio>>{.beta = beta}),
      21);
}

TEST(trl, exo_pair) {
  const differentiated loss{[](const auto& pair) {
    const auto m = beta * log_ratio_difference(pair);
    return sigmoid(m) * (log_sigmoid(m) - std::log1p(-epsilon)) +
           sigmoid(-m) * (log_sigmoid(-m) - std::log(epsilon));
  }};
  EXPECT_EQ(check("dpo.exo_pair", loss), 21);
}

TEST(trl, nca_pair) {
  const differentiated loss{[](const auto& pair) {
    const auto w = winner_reward(pair);
    return -log_sigmoid(w) - 0.5 * log_sigmoid(-w) - 0.5 * log_sigmoid(-loser_reward(pair));
  }};
  EXPECT_EQ(check("dpo.nca_pair", loss), 21);
}

// As TRL has it: without the running mean of rewards that BCO's paper subtracts.
TEST(trl, bco_pair) {
  const differentiated loss{[](const auto& pair) {
    return -log_sigmoid(winner_reward(pair)) - log_sigmoid(-loser_reward(pair));
  }};
  EXPECT_EQ(check("dpo.bco_pair", loss), 21);
}

TEST(trl, sppo_hard) {
  const differentiated loss{[](const auto& pair) {
    return square(pair.policy_winner - pair.reference_winner - 0.5 / beta) +
           square(pair.policy_loser - pair.reference_loser + 0.5 / beta);
  }};
  EXPECT_EQ(check("dpo.sppo_hard", loss), 21);
}

TEST(trl, apo_zero) {
  const differentiated loss{
      [](const auto& pair) { return sigmoid(-winner_reward(pair)) + sigmoid(loser_reward(pair)); }};
  EXPECT_EQ(check("dpo.apo_zero", loss), 21);
}

TEST(trl, apo_down) {
  const differentiated loss{[](const auto& pair) {
    return sigmoid(winner_reward(pair)) + sigmoid(loser_reward(pair) - winner_reward(pair));
  }};
  EXPECT_EQ(check("dpo.apo_down", loss), 21);
}

TEST(trl, discopop) {
  const differentiated loss{[](const auto& pair) {
    const auto m = beta * log_ratio_difference(pair);
    return -log_sigmoid(m) * sigmoid(-m / tau) + exp(-m) * sigmoid(m / tau);
  }};
  EXPECT_EQ(check("dpo.discopop", loss), 21);
}

TEST(trl, cpo_sigmoid) {
  EXPECT_EQ(check("cpo.sigmoid", margin_loss<reference_free>{.beta = beta}), 21);
}

TEST(trl, cpo_hinge) {
  const margin_loss loss{beta, reference_free{}, constant{1.0}, hinge{}};
  EXPECT_EQ(check("cpo.hinge", loss), 21);
}

TEST(trl, simpo) {
  EXPECT_EQ(check("cpo.simpo", simpo(beta, gamma)), 21);
}

}  // namespace
}  // namespace prefopt
