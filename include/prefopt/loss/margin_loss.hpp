#pragma once

#include <prefopt/core/config.hpp>
#include <prefopt/loss/implicit_reward.hpp>
#include <prefopt/loss/link.hpp>
#include <prefopt/loss/pair_terms.hpp>
#include <prefopt/loss/regularizer.hpp>
#include <prefopt/offset/no_offset.hpp>
#include <prefopt/offset/offset_policy.hpp>

namespace prefopt {

/// The four axes put together:
///     loss(pair) = link(beta * h - Delta) + regularizer
///     h = reward(winner) - reward(loser),  Delta = offset(s_w, s_l)
/// With h = the difference of log ratios and the logistic link this is Eq. 7c of Amini et al.
/// (2024). Any of the four may be a user's own type.
template <class Reward = reference_log_ratio, class Offset = no_offset, class Link = logistic,
          class Regularizer = no_regularizer>
requires prefopt::implicit_reward<Reward> && offset_policy<Offset> && link_function<Link> &&
    pair_regularizer<Regularizer>
struct margin_loss {
  double beta = 1;
  Reward reward{};
  Offset offset{};
  Link link{};
  Regularizer regularizer{};

  template <class Real = double>
  PREFOPT_HD constexpr pair_gradient<Real> operator()(const pair_terms<Real>& pair) const {
    const Real b = Real(beta);
    // Rewards first: where policy and reference are the same model both are exactly 0.
    const Real h = reward(pair.policy_winner, pair.reference_winner, pair.winner_tokens) -
                   reward(pair.policy_loser, pair.reference_loser, pair.loser_tokens);
    const Real delta = Real(offset(pair.winner_score, pair.loser_score));
    const link_value<Real> linked = link(b * h - delta);
    const pair_gradient<Real> kept = regularizer(pair);
    const Real slope = b * linked.slope;
    return {linked.value + kept.value,
            slope * reward.slope(pair.policy_winner, pair.reference_winner, pair.winner_tokens) +
                kept.winner,
            kept.loser -
                slope * reward.slope(pair.policy_loser, pair.reference_loser, pair.loser_tokens),
            kept.target};
  }

  /// Whether the offset has a value for these scores.
  template <class Real>
  PREFOPT_HD constexpr bool accepts(Real winner_score, Real loser_score) const {
    return offset_accepts(offset, winner_score, loser_score);
  }

  /// beta * reward of one response, which training reports.
  template <class Real>
  PREFOPT_HD constexpr Real implicit_reward(Real policy, Real reference, Real tokens) const {
    return Real(beta) * reward(policy, reference, tokens);
  }
};

template <class Reward, class Offset, class Link, class Regularizer>
margin_loss(double, Reward, Offset, Link, Regularizer)
    -> margin_loss<Reward, Offset, Link, Regularizer>;
template <class Reward, class Offset, class Link>
margin_loss(double, Reward, Offset, Link) -> margin_loss<Reward, Offset, Link>;

static_assert(pair_loss<margin_loss<>, double> && pair_loss<margin_loss<>, float>);

}  // namespace prefopt
