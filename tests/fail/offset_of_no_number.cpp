// An offset gives a number of nats.
// error: no matching function for call to .*odpo
#include <string>

#include <prefopt/odpo.hpp>

struct half {
  template <class Real>
  constexpr auto operator()(Real winner_score, Real loser_score) const {
#ifdef PREFOPT_MISUSE
    return std::to_string(winner_score - loser_score);
#else
    return (winner_score - loser_score) / 2;
#endif
  }
};

double offset() {
  return prefopt::odpo(0.1, 1.0, half{}).offset(2.0, 1.0);
}
