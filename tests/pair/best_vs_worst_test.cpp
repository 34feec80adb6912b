#include <prefopt/pair/best_vs_worst.hpp>

#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace prefopt {
namespace {

sampled_pairs draw(std::size_t count, const std::vector<double>& scores) {
  random_stream stream(1);
  return best_vs_worst{count}(scores, stream);
}

TEST(best_vs_worst, compares_each_of_the_best_with_each_of_the_worst) {
  const sampled_pairs drawn = draw(2, {3, 8, 1, 5, 9, 2});
  EXPECT_THAT(drawn.pairs, testing::UnorderedElementsAre(ranked_pair{4, 2}, ranked_pair{4, 5},
                                                         ranked_pair{1, 2}, ranked_pair{1, 5}));
}

TEST(best_vs_worst, has_no_response_on_both_sides) {
  EXPECT_THAT(draw(2, {3, 1, 2}).pairs, testing::ElementsAre(ranked_pair{0, 1}));
  EXPECT_EQ(draw(9, {3, 1, 2, 4}).pairs.size(), 4U);
}

TEST(best_vs_worst, counts_ties_between_the_sides) {
  const sampled_pairs drawn = draw(2, {1, 1, 1, 2});
  EXPECT_THAT(drawn.pairs, testing::UnorderedElementsAre(ranked_pair{3, 1}, ranked_pair{3, 2}));
  EXPECT_EQ(drawn.ties, 2U);
}

TEST(best_vs_worst, of_none_is_a_mistake) {
  EXPECT_THROW(draw(0, {1, 2}), usage_error);
}

}  // namespace
}  // namespace prefopt
