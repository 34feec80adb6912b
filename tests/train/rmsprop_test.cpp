#include <prefopt/train/rmsprop.hpp>

#include <gtest/gtest.h>

#include "train/golden_optimizer.hpp"

namespace prefopt {
namespace {

TEST(rmsprop, makes_torchs_steps) {
  test::expect_torchs_steps(rmsprop(), "rmsprop");
  test::expect_torchs_steps(
      rmsprop(rmsprop_options{.alpha = 0.9, .epsilon = 1e-3, .weight_decay = 0.3}),
      "rmsprop_decay");
  test::expect_torchs_steps(rmsprop(rmsprop_options{.momentum = 0.9, .weight_decay = 0.1}),
                            "rmsprop_momentum");
}

TEST(rmsprop, goes_on_from_its_state_bit_for_bit) {
  test::expect_state_is_complete(rmsprop());
  test::expect_state_is_complete(rmsprop(rmsprop_options{.momentum = 0.9}));
}

}  // namespace
}  // namespace prefopt
