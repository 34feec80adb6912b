#include <prefopt/eval/pareto.hpp>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <prefopt/core/error.hpp>
#include <prefopt/core/random.hpp>

namespace prefopt {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(pareto_front, LessKlAndMoreReward) {
  const std::vector<tradeoff> points{{3.0, 0.9}, {1.0, 0.5}, {2.0, 0.5}, {2.0, 0.7}, {4.0, 0.8}};
  EXPECT_THAT(pareto_front(points), ElementsAre(1, 3, 0));
}

TEST(pareto_front, EqualPointsStandOrFallTogether) {
  const std::vector<tradeoff> points{{1.0, 0.5}, {2.0, 0.5}, {1.0, 0.5}, {2.0, 0.5}};
  EXPECT_THAT(pareto_front(points), ElementsAre(0, 2));
}

TEST(pareto_front, EqualInOneCoordinate) {
  EXPECT_THAT(pareto_front(std::vector<tradeoff>{{1.0, 0.5}, {1.0, 0.6}}), ElementsAre(1));
  EXPECT_THAT(pareto_front(std::vector<tradeoff>{{2.0, 0.5}, {1.0, 0.5}}), ElementsAre(1));
}

TEST(pareto_front, NoneOneAndInfinity) {
  EXPECT_THAT(pareto_front({}), IsEmpty());
  EXPECT_THAT(pareto_front(std::vector<tradeoff>{{5.0, -1.0}}), ElementsAre(0));
  const double infinity = std::numeric_limits<double>::infinity();
  EXPECT_THAT(pareto_front(std::vector<tradeoff>{{infinity, 1.0}, {0.0, 0.5}}), ElementsAre(1, 0));
  EXPECT_THROW(pareto_front(std::vector<tradeoff>{{std::nan(""), 1.0}}), usage_error);
}

TEST(pareto_front, IsWhatTheDefinitionSays) {
  for (std::uint32_t trial = 0; trial < 200; ++trial) {
    random_stream random(9, trial);
    std::vector<tradeoff> points(random.below(12));
    for (tradeoff& point : points) {  // few values, so that ties of every kind occur
      point = {static_cast<double>(random.below(4)), static_cast<double>(random.below(4))};
    }
    std::vector<bool> on_front(points.size(), false);
    for (const std::size_t i : pareto_front(points)) on_front[i] = true;
    for (std::size_t i = 0; i < points.size(); ++i) {
      bool beaten = false;
      for (const tradeoff& other : points) beaten = beaten || dominates(other, points[i]);
      EXPECT_EQ(on_front[i], !beaten) << "trial " << trial << ", point " << i;
    }
  }
}

TEST(front_shares, OfTheJointFront) {
  const std::vector<tradeoff> points{{1.0, 0.5}, {2.0, 0.7}, {2.5, 0.6}, {3.0, 0.9}, {9.0, 0.1}};
  const std::vector<std::string> methods{"odpo", "dpo", "dpo", "odpo", "slic"};
  const auto shares = front_shares(points, methods);
  ASSERT_EQ(shares.size(), 3U);
  EXPECT_EQ(shares[0].method, "odpo");
  EXPECT_EQ(shares[0].points, 2U);
  EXPECT_EQ(shares[0].on_front, 2U);
  EXPECT_DOUBLE_EQ(shares[0].share, 2.0 / 3.0);
  EXPECT_EQ(shares[1].points, 2U);
  EXPECT_DOUBLE_EQ(shares[1].share, 1.0 / 3.0);
  EXPECT_DOUBLE_EQ(shares[2].share, 0.0);
  EXPECT_THAT(front_shares({}, {}), IsEmpty());
  EXPECT_THROW(front_shares(points, std::vector<std::string>{"dpo"}), usage_error);
}

}  // namespace
}  // namespace prefopt
