#include <prefopt/loss/implicit_reward.hpp>

#include <gtest/gtest.h>

namespace prefopt {
namespace {

TEST(implicit_reward, of_each_kind) {
  EXPECT_EQ(reference_log_ratio{}(-10.0, -12.0, 4.0), 2.0);
  EXPECT_EQ(reference_free{}(-10.0, -12.0, 4.0), -10.0);
  EXPECT_EQ(length_normalised<reference_free>{}(-10.0, -12.0, 4.0), -2.5);
  EXPECT_EQ(length_normalised<reference_log_ratio>{}(-10.0, -12.0, 4.0), 0.5);
}

TEST(implicit_reward, slopes_are_those_of_finite_differences) {
  const auto check = [](const auto& reward) {
    const double difference = (reward(-9.0, -12.0, 4.0) - reward(-11.0, -12.0, 4.0)) / 2;
    EXPECT_DOUBLE_EQ(reward.slope(-10.0, -12.0, 4.0), difference);
  };
  check(reference_log_ratio{});
  check(reference_free{});
  check(length_normalised<reference_free>{});
  check(length_normalised<reference_log_ratio>{});
}

}  // namespace
}  // namespace prefopt
