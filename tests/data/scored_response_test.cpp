#include <prefopt/data/scored_response.hpp>

#include <cmath>

#include <gtest/gtest.h>

namespace prefopt {
namespace {

TEST(scored_response, is_not_scored_unless_it_is) {
  EXPECT_TRUE(std::isnan(scored_response{}.score));
  const scored_response response{"p", "t", 0.5, {1}};
  EXPECT_EQ(response.score, 0.5);
  EXPECT_EQ(response.tokens, token_sequence{1});
}

}  // namespace
}  // namespace prefopt
