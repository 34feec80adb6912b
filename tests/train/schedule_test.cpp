#include <prefopt/train/schedule.hpp>

#include <vector>

#include <gtest/gtest.h>

#include "train/golden_optimizer.hpp"

namespace prefopt {
namespace {

TEST(learning_rate_schedule, equals_transformers) {
  const nlohmann::json goldens = test::optimizer_goldens().at("schedules");
  for (const std::string name : {"constant", "linear", "cosine"}) {
    const learning_rate_schedule schedule{
        .peak = 0.5, .shape = schedule_named(name), .warmup = 3, .total = 10};
    const auto expected = goldens.at(name).get<std::vector<double>>();
    for (std::size_t step = 0; step < 11; ++step) {
      EXPECT_NEAR(schedule(step), expected[step], 1e-15) << name << ", step " << step;
    }
  }
}

TEST(learning_rate_schedule, stays_finite_where_the_warm_up_is_the_whole_run) {
  for (const std::string name : {"constant", "linear", "cosine"}) {
    const learning_rate_schedule schedule{
        .peak = 1.0, .shape = schedule_named(name), .warmup = 4, .total = 2};
    EXPECT_EQ(schedule(0), 0.0);
    EXPECT_EQ(schedule(1), 0.25);
    EXPECT_GE(schedule(9), 0.0);
  }
}

TEST(schedule_named, reads_back_what_to_string_gives) {
  EXPECT_EQ(to_string(schedule_named("cosine")), "cosine");
  EXPECT_THROW(schedule_named("cosin"), usage_error);
}

}  // namespace
}  // namespace prefopt
