#pragma once

#include <array>
#include <cmath>
#include <limits>

#include <prefopt/loss/pair_terms.hpp>

namespace prefopt {

/// Of the terms that a batch may lack: which ones a loss depends on.
struct loss_needs {
  bool reference = false;  ///< log pi_ref of either response
  bool scores = false;
  bool target = false;  ///< log pi of the SFT target
};

namespace detail {

/// But for rounding: two calls of the same loss may be compiled apart, one with fused
/// multiplications, and then differ in the last bits.
inline bool same(double a, double b) {
  if (a == b || (std::isnan(a) && std::isnan(b))) return true;
  return std::abs(a - b) <= 1e-9 * (1.0 + std::abs(a) + std::abs(b));
}

inline bool same(const pair_gradient<double>& a, const pair_gradient<double>& b) {
  return same(a.value, b.value) && same(a.winner, b.winner) && same(a.loser, b.loser) &&
         same(a.target, b.target);
}

/// What a term is changed by. NaN finds those that a change is too small for, and only a change
/// finds those that a comparison hides NaN from: std::max(0.0, NaN) is 0.
inline constexpr std::array probe_changes{1.0,
                                          -1.0,
                                          30.0,
                                          -30.0,
                                          1e3,
                                          -1e3,
                                          1e5,
                                          -1e5,
                                          0.01,
                                          -0.01,
                                          std::numeric_limits<double>::quiet_NaN()};

/// Calls `visit` with terms on both sides of a hinge, far from it and near, at scores of several
/// sizes and signs, until it returns true; whether it did.
template <class Visit>
bool any_probe(const Visit& visit) {
  struct scores {
    double winner;
    double loser;
  };
  for (const double gap : {0.3, -0.3, 4.0, -4.0, 45.0, -45.0, 900.0, -900.0, 2e4, -2e4}) {
    for (const auto [winner, loser] : {scores{1.75, 1.25}, scores{7.5, 2.0}, scores{0.9, 0.05},
                                       scores{-1.0, -3.5}, scores{80.0, 3.0}}) {
      const pair_terms<double> terms{.policy_winner = -60.5 + 0.5 * gap,
                                     .policy_loser = -60.0 - 0.5 * gap,
                                     .reference_winner = -61.25,
                                     .reference_loser = -62.75,
                                     .winner_score = winner,
                                     .loser_score = loser,
                                     .winner_tokens = 7.0,
                                     .loser_tokens = 9.0,
                                     .policy_target = -19.0 - gap};
      if (visit(terms)) return true;
    }
  }
  return false;
}

}  // namespace detail

/// Whether a loss depends on a term, such as `&pair_terms<double>::reference_winner`: whether at
/// any of many made-up pairs its value or a derivative changes with the term. Where a loss reads
/// the term, this is found in a few evaluations; where it does not, after some hundred.
template <pair_loss<double> Loss>
bool loss_reads(const Loss& loss, double pair_terms<double>::*term) {
  return detail::any_probe([&](const pair_terms<double>& terms) {
    const pair_gradient<double> before = loss(terms);
    for (const double change : detail::probe_changes) {
      pair_terms<double> changed = terms;
      changed.*term += change;
      if (!detail::same(before, loss(changed))) return true;
    }
    return false;
  });
}

/// What a loss needs of a batch.
template <pair_loss<double> Loss>
loss_needs needs_of(const Loss& loss) {
  using terms = pair_terms<double>;
  return {.reference = loss_reads(loss, &terms::reference_winner) ||
                       loss_reads(loss, &terms::reference_loser),
          .scores = loss_reads(loss, &terms::winner_score) || loss_reads(loss, &terms::loser_score),
          .target = loss_reads(loss, &terms::policy_target)};
}

}  // namespace prefopt
