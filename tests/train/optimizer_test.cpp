#include <prefopt/train/optimizer.hpp>

#include <gtest/gtest.h>

#include "train/golden_optimizer.hpp"

namespace prefopt {
namespace {

TEST(gradient_descent, makes_the_steps_of_torchs_sgd) {
  test::expect_torchs_steps(gradient_descent(), "sgd");
}

TEST(gradient_descent, goes_on_from_its_state_bit_for_bit) {
  test::expect_state_is_complete(gradient_descent());
}

}  // namespace
}  // namespace prefopt
