// The light part: terms in, loss and derivatives out.
#include <cmath>
#include <cstdio>

#include <prefopt/odpo.hpp>

int main() {
  const prefopt::pair_terms<double> pair{.policy_winner = -10,
                                         .policy_loser = -12,
                                         .reference_winner = -11,
                                         .reference_loser = -11,
                                         .winner_score = 2,
                                         .loser_score = 1};
  const auto loss = prefopt::odpo(0.1, 0.5);  // margin 0.1 * 2 - 0.5 * log(2 - 1) = 0.2
  const prefopt::pair_gradient<double> result = loss(pair);
  std::printf("%.6f\n", result.value);
  return std::abs(result.value - std::log1p(std::exp(-0.2))) < 1e-12 ? 0 : 1;
}
