#include <prefopt/pair/random_pairs.hpp>

#include <map>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace prefopt {
namespace {

TEST(random_pairs, draws_as_many_as_asked_or_as_there_are) {
  random_stream stream(1);
  EXPECT_EQ(random_pairs{2}(std::vector{1.0, 2.0, 3.0}, stream).pairs.size(), 2U);
  EXPECT_EQ(random_pairs{9}(std::vector{1.0, 2.0, 3.0}, stream).pairs.size(), 3U);
  EXPECT_EQ(random_pairs{0}(std::vector{1.0, 2.0, 3.0}, stream).pairs.size(), 0U);
}

TEST(random_pairs, draws_every_pair_equally_often) {
  random_stream stream(3);
  std::map<std::pair<std::size_t, std::size_t>, int> times;
  constexpr int rounds = 6000;
  for (int round = 0; round < rounds; ++round) {
    for (const auto [winner, loser] :
         random_pairs{2}(std::vector{4.0, 1.0, 3.0, 2.0}, stream).pairs) {
      ++times[{winner, loser}];
    }
  }
  ASSERT_EQ(times.size(), 6U);
  // 2 of 6 pairs a round: mean 2000, standard deviation 37.
  for (const auto& [pair, count] : times) EXPECT_NEAR(count, rounds / 3, 200);
}

}  // namespace
}  // namespace prefopt
