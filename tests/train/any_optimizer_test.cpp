#include <prefopt/train/any_optimizer.hpp>

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <prefopt/train/adamw.hpp>
#include <prefopt/train/rmsprop.hpp>
#include <prefopt/train/sgd.hpp>

namespace prefopt {
namespace {

/// Two arrays with gradients, the second without decay.
struct arrays {
  std::vector<float> values{1.0F, -2.0F, 3.0F, 0.5F};
  std::vector<float> gradients{0.3F, -0.4F, 1.2F, 0.0F};
  std::vector<parameter> parameters{
      {"a", {3}, std::span(values).first(3), std::span(gradients).first(3), true},
      {"b", {1}, std::span(values).last(1), std::span(gradients).last(1), false}};
};

template <class Optimizer>
void expect_the_same(Optimizer expected) {
  any_optimizer found = expected;
  arrays ours;
  arrays theirs;
  EXPECT_EQ(found.describe(), expected.describe());
  for (int step = 0; step < 3; ++step) {
    found.step(ours.parameters, 0.1, 0.5F);
    expected.step(theirs.parameters, 0.1, 0.5F);
    EXPECT_EQ(ours.values, theirs.values);
  }
  EXPECT_EQ(found.steps(), 3U);
  found.set_steps(7);
  EXPECT_EQ(found.steps(), 7U);
  const auto state = found.state(ours.parameters);
  const auto wanted = expected.state(theirs.parameters);
  ASSERT_EQ(state.size(), wanted.size());
  for (std::size_t i = 0; i < state.size(); ++i) {
    EXPECT_EQ(state[i].name, wanted[i].name);
    EXPECT_EQ(std::vector(state[i].value.begin(), state[i].value.end()),
              std::vector(wanted[i].value.begin(), wanted[i].value.end()));
  }
  EXPECT_EQ(found.gradient_norm(ours.parameters), gradient_norm(ours.parameters));
  any_optimizer copy = found;
  copy.set_steps(9);
  EXPECT_EQ(copy.describe(), found.describe());
  EXPECT_EQ(found.steps(), 7U) << "a copy is apart";
}

TEST(any_optimizer, steps_and_remembers_as_what_it_holds) {
  expect_the_same(adamw({.weight_decay = 0.1}));
  expect_the_same(rmsprop());
  expect_the_same(sgd());
}

/// One that has its own way to the norm, as a device's has.
struct counting_optimizer : gradient_descent {
  double gradient_norm(std::span<const parameter> parameters) {
    return static_cast<double>(parameters.size());
  }
};

TEST(any_optimizer, asks_the_optimizer_for_the_norm_where_it_has_one) {
  const arrays some;
  any_optimizer found = counting_optimizer();
  EXPECT_EQ(found.gradient_norm(some.parameters), 2.0);
  EXPECT_EQ(gradient_norm_by(found, some.parameters), 2.0);
  gradient_descent plain;
  EXPECT_EQ(gradient_norm_by(plain, some.parameters), gradient_norm(some.parameters));
}

}  // namespace
}  // namespace prefopt
