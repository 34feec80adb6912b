#include <prefopt/loss/batch.hpp>

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "loss/every_loss.hpp"
#include "loss/random_pairs.hpp"

namespace prefopt {
namespace {

/// Pairs as arrays.
template <class Real>
struct columns {
  std::vector<pair_terms<Real>> pairs;
  std::array<std::vector<Real>, 9> terms;

  explicit columns(std::size_t count) {
    random_stream stream(count);
    for (std::size_t i = 0; i < count; ++i) {
      const auto pair = test::converted<Real>(test::random_pair(stream));
      pairs.push_back(pair);
      std::size_t k = 0;
      for (const Real term : {pair.policy_winner, pair.policy_loser, pair.reference_winner,
                              pair.reference_loser, pair.winner_score, pair.loser_score,
                              pair.winner_tokens, pair.loser_tokens, pair.policy_target}) {
        terms[k++].push_back(term);
      }
    }
  }

  pair_arrays<Real> arrays() const {
    return {terms[0], terms[1], terms[2], terms[3], terms[4],
            terms[5], terms[6], terms[7], terms[8]};
  }
};

template <class Real>
void expect_like_one_pair_at_a_time(std::size_t count, unsigned threads) {
  const columns<Real> input(count);
  test::for_every_loss([&](const char* name, const auto& loss) {
    std::vector<Real> value(count), winner(count), loser(count), target(count);
    const double sum =
        evaluate<Real>(loss, input.arrays(), {value, winner, loser, target}, threads);
    double expected_sum = 0;
    // Vector code may contract a * b + c where scalar code does not, or the other way round.
    const auto near = [&](Real got, Real want) {
      const double tolerance = (sizeof(Real) == 4 ? 4e-6 : 1e-13) * (1 + std::abs(double(want)));
      EXPECT_NEAR(got, want, tolerance) << name;
    };
    for (std::size_t i = 0; i < count; ++i) {
      const auto want = loss(input.pairs[i]);
      near(value[i], want.value);
      near(winner[i], want.winner);
      near(loser[i], want.loser);
      near(target[i], want.target);
      expected_sum += static_cast<double>(value[i]);
    }
    EXPECT_NEAR(sum, expected_sum, 1e-12 * (1 + std::abs(expected_sum))) << name;
  });
}

TEST(batch, gives_what_one_pair_at_a_time_gives) {
  for (const std::size_t count : {1U, 7U, 256U, 1000U}) {
    expect_like_one_pair_at_a_time<float>(count, 1);
    expect_like_one_pair_at_a_time<double>(count, 2);
  }
}

TEST(batch, of_no_pairs_is_0) {
  EXPECT_EQ(evaluate<float>(dpo(0.1), {}), 0.0);
}

TEST(batch, does_not_depend_on_the_number_of_threads) {
  const columns<float> input(5000);
  std::vector<float> winner(5000);
  std::vector<float> winner_again(5000);
  const double sum = evaluate<float>(odpo(0.1), input.arrays(), {.winner = winner}, 1);
  for (const unsigned threads : {2U, 3U, 64U, 0U}) {
    EXPECT_EQ(evaluate<float>(odpo(0.1), input.arrays(), {.winner = winner_again}, threads), sum);
    EXPECT_EQ(winner, winner_again);
  }
}

TEST(batch, takes_absent_arrays_as_defaults) {
  const columns<double> input(300);
  const pair_arrays<double> logps{.policy_winner = input.terms[0], .policy_loser = input.terms[1]};
  double expected = 0;
  for (const auto& pair : input.pairs) {
    const pair_terms<double> bare{.policy_winner = pair.policy_winner,
                                  .policy_loser = pair.policy_loser};
    expected += simpo(2.0, 0.5)(bare).value + dpo(0.1)(bare).value;
  }
  EXPECT_NEAR(evaluate<double>(simpo(2.0, 0.5), logps) + evaluate<double>(dpo(0.1), logps),
              expected, 1e-9);
}

TEST(batch, sums_float_values_in_double) {
  const std::vector<float> policy(3'000'000, 0.0F);
  const double sum = evaluate<float>(dpo(0.1), {.policy_winner = policy, .policy_loser = policy});
  EXPECT_NEAR(sum, 3e6 * static_cast<double>(std::log(2.0F)), 1e-3);
}

TEST(batch, refuses_arrays_of_different_lengths) {
  const columns<float> input(10);
  pair_arrays<float> arrays = input.arrays();
  arrays.loser_score = arrays.loser_score.first(9);
  try {
    (void)evaluate<float>(dpo(0.1), arrays);
    FAIL();
  } catch (const usage_error& error) {
    EXPECT_STREQ(error.what(), "evaluate: loser_score has 9 entries for 10 pairs");
  }
  std::vector<float> short_output(9);
  EXPECT_THROW((void)evaluate<float>(dpo(0.1), input.arrays(), {.value = short_output}),
               usage_error);
}

}  // namespace
}  // namespace prefopt
