#include <prefopt/data/response_batch.hpp>

#include <gtest/gtest.h>

namespace prefopt {
namespace {

TEST(response_batch, counts_responses_through_all_groups) {
  const token_sequence tokens{1, 2, 3};
  response_batch batch;
  EXPECT_EQ(batch.size(), 0U);
  batch.groups.push_back({tokens, {tokens, tokens}});
  batch.groups.push_back({tokens, {}});
  batch.groups.push_back({tokens, {tokens}});
  EXPECT_EQ(batch.size(), 3U);
}

}  // namespace
}  // namespace prefopt
