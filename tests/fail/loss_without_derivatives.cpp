// A loss that has a value only does not train: `differentiated` makes it one that does.
// error: no matching function for call to .*evaluate
#include <vector>

#include <prefopt/loss/batch.hpp>
#include <prefopt/loss/differentiated.hpp>

double total(const std::vector<double>& winner, const std::vector<double>& loser) {
  const auto value = [](const auto& pair) {
    return (pair.policy_loser - pair.policy_winner) * (pair.policy_loser - pair.policy_winner);
  };
#ifdef PREFOPT_MISUSE
  const auto loss = value;
#else
  const prefopt::differentiated loss{value};
#endif
  return prefopt::evaluate<double>(loss, {.policy_winner = winner, .policy_loser = loser});
}
