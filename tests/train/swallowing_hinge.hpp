#pragma once

#include <algorithm>

#include <prefopt/loss/pair_terms.hpp>

namespace prefopt::test {

/// max(0, 1 - beta h) as one writes it by hand: where a log-prob is NaN, value and derivatives
/// are 0.
struct swallowing_hinge {
  double beta = 0.1;

  pair_gradient<double> operator()(const pair_terms<double>& pair) const {
    const double h =
        (pair.policy_winner - pair.reference_winner) - (pair.policy_loser - pair.reference_loser);
    const double m = 1.0 - beta * h;
    const double slope = m > 0.0 ? -beta : 0.0;
    return {std::max(0.0, m), slope, -slope, 0.0};
  }
};

}  // namespace prefopt::test
