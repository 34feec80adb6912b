#include <prefopt/pair/pair_sampler.hpp>

#include <limits>
#include <set>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <prefopt/pair/all_pairs.hpp>
#include <prefopt/pair/best_vs_worst.hpp>
#include <prefopt/pair/first_two.hpp>
#include <prefopt/pair/random_pairs.hpp>

// What every sampler must keep, on lists of scores drawn at random, with many ties.

namespace prefopt {
namespace {

template <class Sampler>
class every_pair_sampler : public testing::Test {
 protected:
  static sampled_pairs draw(const std::vector<double>& scores, random_stream stream) {
    return Sampler{3}(scores, stream);
  }
};

template <>
sampled_pairs every_pair_sampler<all_pairs>::draw(const std::vector<double>& scores,
                                                  random_stream stream) {
  return all_pairs{}(scores, stream);
}
template <>
sampled_pairs every_pair_sampler<first_two>::draw(const std::vector<double>& scores,
                                                  random_stream stream) {
  return first_two{}(scores, stream);
}

using samplers = testing::Types<all_pairs, best_vs_worst, random_pairs, first_two>;
TYPED_TEST_SUITE(every_pair_sampler, samplers);

std::vector<double> some_scores(random_stream& stream) {
  std::vector<double> scores(stream.below(12));
  for (double& score : scores) score = static_cast<double>(stream.below(4));
  return scores;
}

TYPED_TEST(every_pair_sampler, draws_a_pair_once_the_winner_above_the_loser) {
  random_stream stream(1);
  for (int round = 0; round < 500; ++round) {
    const std::vector<double> scores = some_scores(stream);
    std::set<std::pair<std::size_t, std::size_t>> seen;
    for (const auto [winner, loser] : this->draw(scores, stream).pairs) {
      ASSERT_LT(winner, scores.size());
      ASSERT_LT(loser, scores.size());
      EXPECT_GT(scores[winner], scores[loser]);
      EXPECT_TRUE(seen.emplace(winner, loser).second);
    }
  }
}

TYPED_TEST(every_pair_sampler, depends_on_the_stream_alone) {
  random_stream stream(2);
  for (int round = 0; round < 50; ++round) {
    const std::vector<double> scores = some_scores(stream);
    EXPECT_EQ(this->draw(scores, random_stream(5)).pairs,
              this->draw(scores, random_stream(5)).pairs);
  }
}

TYPED_TEST(every_pair_sampler, makes_nothing_but_ties_of_equal_scores) {
  const sampled_pairs drawn = this->draw({2.0, 2.0, 2.0}, random_stream(1));
  EXPECT_TRUE(drawn.pairs.empty());
  EXPECT_GE(drawn.ties, 1U);
}

TYPED_TEST(every_pair_sampler, takes_prompts_with_too_few_responses) {
  EXPECT_TRUE(this->draw({}, random_stream(1)).pairs.empty());
  EXPECT_TRUE(this->draw({1.0}, random_stream(1)).pairs.empty());
}

TYPED_TEST(every_pair_sampler, refuses_scores_that_are_no_numbers) {
  for (const double bad :
       {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    try {
      (void)this->draw({1.0, bad, 2.0}, random_stream(1));
      FAIL() << "accepted " << bad;
    } catch (const usage_error& error) {
      EXPECT_THAT(error.what(), testing::HasSubstr("response 1"));
    }
  }
}

}  // namespace
}  // namespace prefopt
