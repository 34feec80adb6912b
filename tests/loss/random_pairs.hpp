#pragma once

#include <prefopt/core/random.hpp>
#include <prefopt/loss/pair_terms.hpp>

namespace prefopt::test {

/// A pair with every term set, as training meets them: log-probs around -100, scores in (0, 2) with
/// the winner's above.
inline pair_terms<double> random_pair(random_stream& stream, double spread = 20) {
  const auto log_prob = [&] { return -100 + spread * (2 * stream.uniform() - 1); };
  pair_terms<double> pair;
  pair.policy_winner = log_prob();
  pair.policy_loser = log_prob();
  pair.reference_winner = log_prob();
  pair.reference_loser = log_prob();
  pair.loser_score = 0.01 + stream.uniform();
  pair.winner_score = pair.loser_score + 0.01 + stream.uniform();
  pair.winner_tokens = 1.0 + static_cast<double>(stream.below(60));
  pair.loser_tokens = 1.0 + static_cast<double>(stream.below(60));
  pair.policy_target = log_prob();
  return pair;
}

template <class Real>
pair_terms<Real> converted(const pair_terms<double>& pair) {
  return {Real(pair.policy_winner),   Real(pair.policy_loser), Real(pair.reference_winner),
          Real(pair.reference_loser), Real(pair.winner_score), Real(pair.loser_score),
          Real(pair.winner_tokens),   Real(pair.loser_tokens), Real(pair.policy_target)};
}

}  // namespace prefopt::test
