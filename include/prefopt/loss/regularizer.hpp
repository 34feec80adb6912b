#pragma once

#include <concepts>

#include <prefopt/core/config.hpp>
#include <prefopt/loss/pair_terms.hpp>

namespace prefopt {

/// What a loss keeps besides the order of a pair.
///
/// 1. `regularizer(terms)` gives its value and derivatives, which are added to the link's. This is
///    the defining operation; it is a pure function and does not throw. A `pair_loss` is one too.
template <class Regularizer, class Real = double>
concept pair_regularizer = requires(const Regularizer& regularizer, const pair_terms<Real>& terms) {
  { regularizer(terms) } -> std::same_as<pair_gradient<Real>>;
};

/// Nothing.
struct no_regularizer {
  template <class Real>
  PREFOPT_HD constexpr pair_gradient<Real> operator()(const pair_terms<Real>&) const {
    return {};
  }
};

/// -lambda log pi(y_w|x): keeps the winner likely (SLiC with the winner as y_ref, RPO).
struct winner_nll {
  double lambda = 1;

  template <class Real>
  PREFOPT_HD constexpr pair_gradient<Real> operator()(const pair_terms<Real>& terms) const {
    return {-Real(lambda) * terms.policy_winner, -Real(lambda), Real(0), Real(0)};
  }
};

/// -lambda log pi(y_ref|x): keeps the SFT target likely (Zhao et al. 2023). A batch gives
/// the target's log-prob as `pair_terms::policy_target`.
struct target_nll {
  double lambda = 1;

  template <class Real>
  PREFOPT_HD constexpr pair_gradient<Real> operator()(const pair_terms<Real>& terms) const {
    return {-Real(lambda) * terms.policy_target, Real(0), Real(0), -Real(lambda)};
  }
};

static_assert(pair_regularizer<no_regularizer> && pair_regularizer<winner_nll> &&
              pair_regularizer<target_nll>);

}  // namespace prefopt
