#include <prefopt/train/preference_metrics.hpp>

#include <numbers>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace prefopt {
namespace {

std::vector<std::pair<std::string, double>> listed(const preference_metrics& metrics) {
  std::vector<std::pair<std::string, double>> list;
  metrics.for_each([&](const char* name, double value) { list.emplace_back(name, value); });
  return list;
}

TEST(preference_metrics, are_means_under_trls_names) {
  preference_metrics metrics{3, 6.0, 1.5, -3.0, 2, -30.0, -60.0};
  EXPECT_THAT(listed(metrics),
              testing::ElementsAre(
                  std::pair("loss", 2.0), std::pair("rewards/chosen", 0.5),
                  std::pair("rewards/rejected", -1.0), std::pair("rewards/accuracies", 2.0 / 3.0),
                  std::pair("rewards/margins", 1.5), std::pair("logps/chosen", -10.0),
                  std::pair("logps/rejected", -20.0)));
}

TEST(preference_metrics, of_micro_batches_add_up) {
  preference_metrics metrics{1, 6.0, 1.0, 0.0, 1, -30.0, -60.0};
  metrics += preference_metrics{3, 0.0, 3.0, 4.0, 0, -50.0, -20.0};
  EXPECT_THAT(
      listed(metrics),
      testing::ElementsAre(std::pair("loss", 1.5), std::pair("rewards/chosen", 1.0),
                           std::pair("rewards/rejected", 1.0),
                           std::pair("rewards/accuracies", 0.25), std::pair("rewards/margins", 0.0),
                           std::pair("logps/chosen", -20.0), std::pair("logps/rejected", -20.0)));
}

TEST(preference_metrics, of_nothing_are_0) {
  EXPECT_EQ(preference_metrics{}.loss(), 0.0);
}

TEST(preference_metrics, has_exactly_the_mean_of_equal_losses) {
  preference_metrics parts;
  for (int count = 1; count <= 2000; ++count) {
    parts += {.pairs = 1, .loss_sum = std::numbers::ln2};
    ASSERT_EQ(parts.loss(), std::numbers::ln2) << count << " pairs";
  }
  preference_metrics whole = parts;
  whole += parts;
  EXPECT_EQ(whole.loss(), std::numbers::ln2);
}

}  // namespace
}  // namespace prefopt
