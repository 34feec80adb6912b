// A loss of your own: write its value, prefopt differentiates it.
//
// Here the squared hinge: max(0, 1 - beta h)^2 with DPO's h, the difference of the log ratios.

#include <cmath>
#include <cstdio>
#include <vector>

#include <prefopt/odpo.hpp>

int main() {
  const prefopt::differentiated squared_hinge{[](const auto& pair) {
    return square(prefopt::positive_part(1.0 - 0.1 * prefopt::log_ratio_difference(pair)));
  }};

  // One pair: the value, and the derivatives that go back into the model.
  prefopt::pair_terms<> pair{.policy_winner = -40.0,
                             .policy_loser = -42.0,
                             .reference_winner = -41.0,
                             .reference_loser = -41.0};
  const prefopt::pair_gradient<> result = squared_hinge(pair);
  std::printf("loss %.4f, by the winner %.4f, by the loser %.4f\n", result.value, result.winner,
              result.loser);

  // It is what the formula's slope is.
  const double step = 1e-6;
  pair.policy_winner += step;
  const double slope = (squared_hinge(pair).value - result.value) / step;
  std::printf("finite difference by the winner %.4f\n", slope);

  // A million pairs as arrays, on two threads: the loop vectorizes although nobody wrote the
  // derivatives.
  const std::size_t count = 1'000'000;
  std::vector<float> winner(count), loser(count), by_winner(count), by_loser(count);
  for (std::size_t i = 0; i < count; ++i) {
    winner[i] = -40.0F + static_cast<float>(i % 100) * 0.25F;
    loser[i] = -42.0F;
  }
  const double sum =
      prefopt::evaluate<float>(squared_hinge, {.policy_winner = winner, .policy_loser = loser},
                               {.winner = by_winner, .loser = by_loser}, /*threads=*/2);
  std::printf("mean over %zu pairs %.4f\n", count, sum / static_cast<double>(count));

  return std::abs(slope - result.winner) < 1e-5 ? 0 : 1;
}
