#include <prefopt/pair/all_pairs.hpp>

#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace prefopt {
namespace {

TEST(all_pairs, ranks_every_two_responses) {
  random_stream stream(1);
  const sampled_pairs drawn = all_pairs{}(std::vector{0.1, 0.9, 0.5}, stream);
  EXPECT_THAT(drawn.pairs, testing::UnorderedElementsAre(ranked_pair{1, 0}, ranked_pair{2, 0},
                                                         ranked_pair{1, 2}));
  EXPECT_EQ(drawn.ties, 0U);
}

TEST(all_pairs, counts_what_it_drops) {
  random_stream stream(1);
  const sampled_pairs drawn = all_pairs{}(std::vector{1.0, 1.0, 2.0, 2.0, 2.0}, stream);
  EXPECT_EQ(drawn.pairs.size(), 6U);
  EXPECT_EQ(drawn.ties, 4U);
}

}  // namespace
}  // namespace prefopt
