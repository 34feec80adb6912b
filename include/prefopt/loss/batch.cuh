#pragma once

#include <cstddef>
#include <type_traits>

#include <thrust/functional.h>
#include <thrust/iterator/counting_iterator.h>
#include <thrust/transform_reduce.h>

#include <prefopt/core/config.hpp>
#include <prefopt/loss/batch.hpp>
#include <prefopt/loss/pair_terms.hpp>

namespace prefopt {

namespace detail {

/// Pair i of the arrays: its loss, whose value it gives and whose parts it writes where they are
/// wanted. Absent arrays are null.
template <class Real, class Loss>
struct evaluate_pair {
  Loss loss;
  const Real* policy_winner;
  const Real* policy_loser;
  const Real* reference_winner;
  const Real* reference_loser;
  const Real* winner_score;
  const Real* loser_score;
  const Real* winner_tokens;
  const Real* loser_tokens;
  const Real* policy_target;
  Real* value;
  Real* winner;
  Real* loser;
  Real* target;

  evaluate_pair(const Loss& each, const pair_arrays<Real>& pairs, const gradient_arrays<Real>& out)
      : loss(each),
        policy_winner(pairs.policy_winner.data()),
        policy_loser(pairs.policy_loser.data()),
        reference_winner(pairs.reference_winner.data()),
        reference_loser(pairs.reference_loser.data()),
        winner_score(pairs.winner_score.data()),
        loser_score(pairs.loser_score.data()),
        winner_tokens(pairs.winner_tokens.data()),
        loser_tokens(pairs.loser_tokens.data()),
        policy_target(pairs.policy_target.data()),
        value(out.value.data()),
        winner(out.winner.data()),
        loser(out.loser.data()),
        target(out.target.data()) {}

  PREFOPT_HD double operator()(std::size_t i) const {
    const auto at = [i](const Real* array, Real absent) {
      return array == nullptr ? absent : array[i];
    };
    const pair_gradient<Real> gradient = loss(pair_terms<Real>{
        at(policy_winner, Real(0)), at(policy_loser, Real(0)), at(reference_winner, Real(0)),
        at(reference_loser, Real(0)), at(winner_score, Real(0)), at(loser_score, Real(0)),
        at(winner_tokens, Real(1)), at(loser_tokens, Real(1)), at(policy_target, Real(0))});
    if (value != nullptr) value[i] = gradient.value;
    if (winner != nullptr) winner[i] = gradient.winner;
    if (loser != nullptr) loser[i] = gradient.loser;
    if (target != nullptr) target[i] = gradient.target;
    return static_cast<double>(gradient.value);
  }
};

}  // namespace detail

/// `evaluate` where a Thrust execution policy says: over arrays in the device's memory with
/// `thrust::device`, or `thrust::cuda::par.on(stream)`. One pass over memory; values are added up
/// in double. Returns when the sum is there. The loss is copied to the device: it, and a user's
/// offset or formula in it, are trivially copyable, and their operators `PREFOPT_HD` or constexpr.
/// nvcc is given `--expt-relaxed-constexpr`; a formula that is a lambda needs `--extended-lambda`
/// too, and cannot be generic there: it takes `const pair_terms<dual<Real, 3>>&`.
///
/// Throws `usage_error` where an array's length is neither P nor, where allowed, 0.
template <class Real, class Policy, pair_loss<Real> Loss>
double evaluate(const Policy& policy, const Loss& loss, const pair_arrays<Real>& pairs,
                const gradient_arrays<Real>& out = {}) {
  static_assert(std::is_trivially_copyable_v<Loss>, "the loss is copied to the device by bytes");
  detail::validate_arrays(pairs, out);
  const thrust::counting_iterator<std::size_t> first(0);
  return thrust::transform_reduce(policy, first, first + static_cast<std::ptrdiff_t>(pairs.size()),
                                  detail::evaluate_pair<Real, Loss>(loss, pairs, out), 0.0,
                                  thrust::plus<double>());
}

}  // namespace prefopt
