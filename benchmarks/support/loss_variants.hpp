#pragma once

// What the benchmarks of losses measure, on the CPU and on a GPU: pairs, and every loss and offset.

#include <array>
#include <cstddef>
#include <vector>

#include <prefopt/odpo.hpp>

namespace prefopt::benchmarks {

/// The nine terms of P pairs, each an array. Log-probs lie around -100 and are multiples of 1/64;
/// the winner's has 1/128 more. So differences of them are exact, and no pair lies so near to the
/// corner of a hinge that the last bit chooses its derivative. Scores of winners are in [1, 2), of
/// losers in [0, 0.9), tokens in [1, 64].
struct pair_columns {
  std::array<std::vector<float>, 9> terms;

  explicit pair_columns(std::size_t pairs) {
    random_stream stream(1);
    for (auto& array : terms) array.resize(pairs);
    for (std::size_t i = 0; i < pairs; ++i) {
      for (const std::size_t k : {0U, 1U, 2U, 3U, 8U}) {
        const auto steps = static_cast<int>(stream.below(70 * 64)) - 35 * 64;
        terms[k][i] = -100 + static_cast<float>(steps) / 64;
      }
      terms[0][i] += 1.0F / 128;
      terms[4][i] = static_cast<float>(1 + stream.uniform());
      terms[5][i] = static_cast<float>(0.9 * stream.uniform());
      for (const std::size_t k : {6U, 7U}) terms[k][i] = static_cast<float>(1 + stream.below(64));
    }
  }
  [[nodiscard]] pair_arrays<float> arrays() const {
    return {terms[0], terms[1], terms[2], terms[3], terms[4],
            terms[5], terms[6], terms[7], terms[8]};
  }
};

// A user's own, of which the library knows nothing.

struct gap_squared {
  template <class Real>
  PREFOPT_HD constexpr Real operator()(Real winner_score, Real loser_score) const {
    return (winner_score - loser_score) * (winner_score - loser_score);
  }
};

/// max(0, 1 - beta h)^2, with its derivatives.
struct squared_hinge {
  double beta;

  template <class Real>
  PREFOPT_HD constexpr pair_gradient<Real> operator()(const pair_terms<Real>& pair) const {
    const Real lacking = positive_part(1 - Real(beta) * log_ratio_difference(pair));
    const Real slope = -2 * Real(beta) * lacking;
    return {square(lacking), slope, -slope, 0};
  }
};

/// DPO's value alone; `differentiated` finds the derivatives.
struct dpo_formula {
  template <class Number>
  PREFOPT_HD constexpr Number operator()(const pair_terms<Number>& pair) const {
    return -log_sigmoid(0.1 * log_ratio_difference(pair));
  }
};

/// Calls `visit(name, loss)` for each of them.
template <class Visit>
void for_every_variant(Visit&& visit) {
  const double beta = 0.1;
  const double alpha = 0.5;
  visit("odpo/log_diff", odpo(beta, alpha, log_diff{}));
  visit("odpo/diff_log", odpo(beta, alpha, diff_log{}));
  visit("odpo/identity", odpo(beta, alpha, identity{}));
  visit("odpo/constant", odpo(beta, alpha, constant{1.0}));
  visit("odpo/no_offset", odpo(beta, alpha, no_offset{}));
  visit("odpo/clamped", odpo(beta, alpha, clamped{log_diff{}, 0.0, 2.0}));
  visit("odpo/sum_of", odpo(beta, alpha, sum_of{log_diff{}, constant{1.0}}));
  visit("dpo", dpo(beta));
  visit("slic/winner_nll", slic(1.0, 0.1));
  visit("slic/target_nll", slic(1.0, target_nll{0.1}));
  visit("ipo", ipo(beta));
  visit("ipo/per_token", ipo(beta, length_normalised<reference_log_ratio>{}));
  visit("cdpo", cdpo(beta, 0.1));
  visit("robust_dpo", robust_dpo(beta, 0.1));
  visit("rso", rso(beta));
  visit("simpo", simpo(2.0, 1.0));
  visit("softmax_margin/identity", softmax_margin(identity{}, beta));
  visit("differentiated/dpo", differentiated{dpo_formula{}});
  visit("own/offset", odpo(beta, alpha, gap_squared{}));
  visit("own/loss", squared_hinge{beta});
}

}  // namespace prefopt::benchmarks
