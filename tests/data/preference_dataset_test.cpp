#include <prefopt/data/preference_dataset.hpp>

#include <cmath>

#include <gtest/gtest.h>

namespace prefopt {
namespace {

TEST(preference_dataset, pairs_compare_by_both_positions) {
  EXPECT_EQ((ranked_pair{1, 2}), (ranked_pair{1, 2}));
  EXPECT_NE((ranked_pair{1, 2}), (ranked_pair{2, 1}));
}

TEST(preference_dataset, a_response_is_not_scored_unless_it_is) {
  EXPECT_TRUE(std::isnan(dataset_response{}.score));
}

}  // namespace
}  // namespace prefopt
