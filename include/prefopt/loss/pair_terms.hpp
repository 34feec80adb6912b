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
};

/// A loss and its derivatives with respect to the policy's two log-probs.
template <class Real = double>
struct pair_gradient {
  Real value{};   ///< nats
  Real winner{};  ///< d value / d log pi(y_w | x)
  Real loser{};   ///< d value / d log pi(y_l | x)
};

/// A loss of one pair.
///
/// 1. `loss(terms)` gives the value and both derivatives. It is a pure function, does not throw,
/// and
///    is finite for finite terms that its offset accepts.
template <class Loss, class Real = double>
concept pair_loss = requires(const Loss& loss, const pair_terms<Real>& terms) {
  { loss(terms) } -> std::same_as<pair_gradient<Real>>;
};

}  // namespace prefopt
