// An offset is a function of the two scores alone.
// error: (constraint|template constraint)
#include <prefopt/loss/margin_loss.hpp>

struct by_length {
#ifdef PREFOPT_MISUSE
  constexpr double operator()(double, double, int winner_tokens, int loser_tokens) const {
    return winner_tokens - loser_tokens;
  }
#else
  constexpr double operator()(double winner_score, double loser_score) const {
    return winner_score - loser_score;
  }
#endif
};

constexpr prefopt::margin_loss<prefopt::reference_log_ratio, by_length> loss{};
