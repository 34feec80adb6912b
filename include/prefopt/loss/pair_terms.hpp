#pragma once

#include <concepts>

namespace prefopt {

/// What a loss knows of one pair. Log-probs are sums over the response's tokens, in nats.
/// `Real` is `float`, `double` or a dual number.
template <class Real = double>
struct pair_terms {
  Real policy_winner{};     ///< log pi(y_w | x)
  Real policy_loser{};      ///< log pi(y_l | x)
  Real reference_winner{};  ///< log pi_ref(y_w | x)
  Real reference_loser{};   ///< log pi_ref(y_l | x)
  Real winner_score{};      ///< r(x, y_w); only offsets read it
  Real loser_score{};       ///< r(x, y_l)
  Real winner_tokens{1};    ///< |y_w|, end token included; only length-normalised losses read it
  Real loser_tokens{1};     ///< |y_l|
  Real policy_target{};     ///< log pi(y_ref | x) of the SFT target; only target_nll reads it
};

/// A loss and its derivatives with respect to the policy's log-probs.
template <class Real = double>
struct pair_gradient {
  Real value{};   ///< nats
  Real winner{};  ///< d value / d log pi(y_w | x)
  Real loser{};   ///< d value / d log pi(y_l | x)
  Real target{};  ///< d value / d log pi(y_ref | x); 0 where the loss has no SFT target
};

/// A loss of one pair.
///
/// 1. `loss(terms)` gives the value and its derivatives. It is a pure function, does not throw, and
///    is finite for finite terms whose scores it accepts. This is the defining operation.
/// 2. It may have `loss.accepts(winner_score, loser_score)`, which says for which scores it has a
///    value; without it, it has one for all (see `loss/validate.hpp`).
/// 3. It may have `loss.implicit_reward(policy, reference, tokens)`, the reward of one response
///    that training reports; without it, that is log pi - log pi_ref.
template <class Loss, class Real = double>
concept pair_loss = requires(const Loss& loss, const pair_terms<Real>& terms) {
  { loss(terms) } -> std::same_as<pair_gradient<Real>>;
};

}  // namespace prefopt
