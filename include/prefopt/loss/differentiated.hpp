#pragma once

#include <concepts>

#include <prefopt/core/config.hpp>
#include <prefopt/loss/dual.hpp>
#include <prefopt/loss/functions.hpp>
#include <prefopt/loss/pair_terms.hpp>

namespace prefopt {

/// A formula of a pair that gives the loss's value only.
///
/// 1. `formula(terms)` gives the value for `pair_terms<dual<Real, 3>>`, of the same dual type. This
///    is the defining operation. A generic lambda does:
///    `[](const auto& pair) { return -log_sigmoid(log_ratio_difference(pair)); }`
template <class Formula, class Real = double>
concept pair_formula = requires(const Formula& formula, const pair_terms<dual<Real, 3>>& terms) {
  { formula(terms) } -> std::convertible_to<dual<Real, 3>>;
};

/// Makes a `pair_loss` of a formula: dual numbers give the derivatives, exact to rounding. So a new
/// loss is one line of maths.
template <class Formula>
struct differentiated {
  Formula formula;

  template <class Real = double>
  requires pair_formula<Formula, Real> PREFOPT_HD constexpr pair_gradient<Real> operator()(
      const pair_terms<Real>& pair) const {
    using number = dual<Real, 3>;
    const number y = formula(pair_terms<number>{
        .policy_winner = number::variable(pair.policy_winner, 0),
        .policy_loser = number::variable(pair.policy_loser, 1),
        .reference_winner = pair.reference_winner,
        .reference_loser = pair.reference_loser,
        .winner_score = pair.winner_score,
        .loser_score = pair.loser_score,
        .winner_tokens = pair.winner_tokens,
        .loser_tokens = pair.loser_tokens,
        .policy_target = number::variable(pair.policy_target, 2),
    });
    return {y.value, y.tangent[0], y.tangent[1], y.tangent[2]};
  }

  /// What the formula says itself (see `pair_loss`), else every score.
  template <class Real>
  PREFOPT_HD constexpr bool accepts(Real winner_score, Real loser_score) const {
    if constexpr (requires { formula.accepts(winner_score, loser_score); }) {
      return formula.accepts(winner_score, loser_score);
    } else {
      return true;
    }
  }
};

template <class Formula>
differentiated(Formula) -> differentiated<Formula>;

namespace detail {
struct smallest_formula {
  template <class Number>
  PREFOPT_HD constexpr Number operator()(const pair_terms<Number>& pair) const {
    return -log_sigmoid(log_ratio_difference(pair));
  }
};
}  // namespace detail
static_assert(pair_loss<differentiated<detail::smallest_formula>>);

}  // namespace prefopt
