// An offset of your own: any callable from the winner's and the loser's score to a number of nats.
//
// Here people have graded responses from 1 to 7. A gap of one grade may be noise, so it asks for no
// margin; every further grade asks for half a nat more. The type nests with prefopt's own.

#include <cstdio>

#include <prefopt/odpo.hpp>

struct beyond_one_grade {
  // A template works in float, double and dual numbers, over arrays and in kernels.
  template <class Real>
  constexpr Real operator()(Real winner_grade, Real loser_grade) const {
    const Real gap = winner_grade - loser_grade;
    return gap <= Real(1) ? Real(0) : Real(0.5) * (gap - Real(1));
  }

  // Optional: which scores it has a value for. Without it, all finite ones.
  template <class Real>
  constexpr bool accepts(Real winner_grade, Real loser_grade) const {
    return winner_grade >= loser_grade && loser_grade >= Real(1) && winner_grade <= Real(7);
  }
};

// The concept says at once, and in its own words, if something is missing.
static_assert(prefopt::offset_policy<beyond_one_grade>);

int main() {
  const double beta = 0.5;
  const auto dpo = prefopt::dpo(beta);
  const auto own = prefopt::odpo(beta, 1.0, beyond_one_grade{});
  const auto gentle = prefopt::odpo(beta, 1.0, prefopt::clamped{beyond_one_grade{}, 0.0, 1.0});

  std::printf("grades  offset  dpo     own     at most 1\n");
  for (const double winner_grade : {2.0, 3.0, 7.0}) {
    const prefopt::pair_terms<> pair{.policy_winner = -40.0,
                                     .policy_loser = -42.0,
                                     .reference_winner = -41.0,
                                     .reference_loser = -41.0,
                                     .winner_score = winner_grade,
                                     .loser_score = 1.0};
    std::printf("%g to 1  %.2f    %.4f  %.4f  %.4f\n", winner_grade,
                beyond_one_grade{}(winner_grade, 1.0), dpo(pair).value, own(pair).value,
                gentle(pair).value);
  }

  // Data are checked where they come in, by the rule of your own type.
  try {
    prefopt::validate_scores(own, 17, 9.0, 1.0);
  } catch (const prefopt::score_error& error) {
    std::printf("refused: %s\n", error.what());
    return 0;
  }
  return 1;
}
