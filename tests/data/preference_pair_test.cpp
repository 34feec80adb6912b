#include <prefopt/data/preference_pair.hpp>

#include <gtest/gtest.h>

namespace prefopt {
namespace {

TEST(preference_pair, has_no_scores_unless_they_are_given) {
  const preference_pair plain{"p", "c", "r", {}, {}};
  EXPECT_FALSE(plain.score_chosen.has_value() || plain.score_rejected.has_value());
  const preference_pair scored{"p", "c", "r", 2.0, 0.0};
  EXPECT_EQ(scored.score_chosen, 2.0);
  EXPECT_EQ(scored.score_rejected, 0.0);
}

}  // namespace
}  // namespace prefopt
