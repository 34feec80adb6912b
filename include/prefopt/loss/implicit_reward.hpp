#pragma once

#include <cmath>
#include <concepts>

#include <prefopt/core/config.hpp>

namespace prefopt {

/// The reward of one response under the policy, before beta. A margin loss compares those of a
/// pair's two responses: h = reward(winner) - reward(loser).
///
/// 1. `reward(policy, reference, tokens)` gives it from log pi(y|x), log pi_ref(y|x) and |y|. This
///    is the defining operation; it is a pure function and does not throw.
/// 2. `reward.slope(policy, reference, tokens)` is its derivative with respect to log pi(y|x).
template <class Reward, class Real = double>
concept implicit_reward = requires(const Reward& reward, Real policy, Real reference, Real tokens) {
  { reward(policy, reference, tokens) } -> std::convertible_to<Real>;
  { reward.slope(policy, reference, tokens) } -> std::convertible_to<Real>;
};

/// log pi(y|x) - log pi_ref(y|x): DPO's (Rafailov et al. 2023, Eq. 5, without the prompt's
/// constant, which cancels in a pair).
struct reference_log_ratio {
  template <class Real>
  PREFOPT_HD constexpr Real operator()(Real policy, Real reference, Real) const {
    return policy - reference;
  }
  template <class Real>
  PREFOPT_HD static constexpr Real slope(Real, Real, Real) {
    return Real(1);
  }
};

/// log pi(y|x): SLiC's and CPO's, which have no reference model.
struct reference_free {
  template <class Real>
  PREFOPT_HD constexpr Real operator()(Real policy, Real, Real) const {
    return policy;
  }
  template <class Real>
  PREFOPT_HD static constexpr Real slope(Real, Real, Real) {
    return Real(1);
  }
};

/// A reward per token. `length_normalised<reference_free>` is SimPO's (Meng et al. 2024).
template <class Reward = reference_free>
struct length_normalised {
  Reward reward{};

  template <class Real>
  PREFOPT_HD constexpr Real operator()(Real policy, Real reference, Real tokens) const {
    return Real(reward(policy, reference, tokens)) / tokens;
  }
  template <class Real>
  PREFOPT_HD constexpr Real slope(Real policy, Real reference, Real tokens) const {
    return Real(reward.slope(policy, reference, tokens)) / tokens;
  }
};

static_assert(implicit_reward<reference_log_ratio> && implicit_reward<reference_free> &&
              implicit_reward<length_normalised<>>);

/// The reward of one response that a loss works with, for metrics: its own where it names one, else
/// log pi - log pi_ref, or log pi where there is no reference (NaN).
template <class Loss>
double reported_reward(const Loss& loss, double policy, double reference, double tokens) {
  if constexpr (requires { loss.implicit_reward(policy, reference, tokens); }) {
    return loss.implicit_reward(policy, reference, tokens);
  } else {
    return std::isnan(reference) ? policy : policy - reference;
  }
}

}  // namespace prefopt
