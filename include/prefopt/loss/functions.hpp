#pragma once

#include <cmath>
#include <concepts>
#include <cstddef>

#include <prefopt/core/config.hpp>
#include <prefopt/core/math.hpp>
#include <prefopt/loss/dual.hpp>

namespace prefopt {

// What formulas of losses are written with, for float, double and dual numbers alike.

/// 1 / (1 + e^-x)
template <std::floating_point Real>
PREFOPT_HD constexpr Real sigmoid(Real x) {
  return math::logistic_loss(-x).slope;
}
template <class Real, std::size_t N>
PREFOPT_HD constexpr dual<Real, N> sigmoid(const dual<Real, N>& x) {
  const Real y = sigmoid(x.value);
  return x.chain(y, y * sigmoid(-x.value));
}

/// log sigmoid(x) = -log(1 + e^-x), without overflow or cancellation.
template <std::floating_point Real>
PREFOPT_HD constexpr Real log_sigmoid(Real x) {
  return -math::logistic_loss(x).loss;
}
template <class Real, std::size_t N>
PREFOPT_HD constexpr dual<Real, N> log_sigmoid(const dual<Real, N>& x) {
  const math::logistic_parts<Real> parts = math::logistic_loss(x.value);
  return x.chain(-parts.loss, parts.slope);
}

/// max(0, x); the derivative at 0 is 0. NaN stays.
template <class Real>
PREFOPT_HD constexpr Real positive_part(const Real& x) {
  return x <= Real(0) ? Real(0) : x;
}

template <class Real>
PREFOPT_HD constexpr Real square(const Real& x) {
  return x * x;
}

/// h of DPO: how much more the policy prefers the winner over the loser than the reference does.
template <class Pair>
PREFOPT_HD constexpr auto log_ratio_difference(const Pair& pair) {
  return (pair.policy_winner - pair.reference_winner) - (pair.policy_loser - pair.reference_loser);
}

}  // namespace prefopt
