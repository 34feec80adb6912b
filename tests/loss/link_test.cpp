#include <prefopt/loss/link.hpp>

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

namespace prefopt {
namespace {

TEST(link, punishes_a_shortfall) {
  EXPECT_DOUBLE_EQ(logistic{}(-2.0).value, std::log(1 + std::exp(2.0)));
  EXPECT_DOUBLE_EQ(logistic{}(-2.0).slope, -1 / (1 + std::exp(-2.0)));
  EXPECT_EQ(hinge{}(-2.0).value, 2.0);
  EXPECT_EQ(hinge{}(-2.0).slope, -1.0);
  EXPECT_EQ(hinge{}(2.0).value, 0.0);
  EXPECT_EQ(hinge{}(0.0).slope, 0.0);
  EXPECT_EQ(squared{}(-3.0).value, 9.0);
  EXPECT_EQ(squared{}(-3.0).slope, -6.0);
}

TEST(link, without_label_noise_is_the_link_itself) {
  for (const double m : {-3.0, 0.5, 20.0}) {
    EXPECT_EQ((label_smoothed{logistic{}, 0.0}(m).value), logistic{}(m).value);
    EXPECT_EQ((robust{hinge{}, 0.0}(m).slope), hinge{}(m).slope);
  }
}

TEST(link, does_not_hide_nan) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_TRUE(std::isnan(logistic{}(nan).value));
  EXPECT_TRUE(std::isnan(logistic{}(static_cast<float>(nan)).value));
  EXPECT_TRUE(std::isnan(hinge{}(nan).value));
  EXPECT_TRUE(std::isnan(squared{}(nan).value));
}

}  // namespace
}  // namespace prefopt
