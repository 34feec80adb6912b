#include <prefopt/pair/first_two.hpp>

#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace prefopt {
namespace {

TEST(first_two, leaves_the_others) {
  random_stream stream(1);
  EXPECT_THAT(first_two{}(std::vector{1.0, 2.0, 9.0}, stream).pairs,
              testing::ElementsAre(ranked_pair{1, 0}));
  const sampled_pairs tie = first_two{}(std::vector{1.0, 1.0, 9.0}, stream);
  EXPECT_TRUE(tie.pairs.empty());
  EXPECT_EQ(tie.ties, 1U);
}

}  // namespace
}  // namespace prefopt
