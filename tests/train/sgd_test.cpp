#include <prefopt/train/sgd.hpp>

#include <gtest/gtest.h>

#include "train/golden_optimizer.hpp"

namespace prefopt {
namespace {

TEST(sgd, makes_torchs_steps) {
  test::expect_torchs_steps(sgd(), "sgd");
  test::expect_torchs_steps(sgd(sgd_options{.weight_decay = 0.3}), "sgd_decay");
  test::expect_torchs_steps(sgd(sgd_options{.momentum = 0.9, .weight_decay = 0.1}), "sgd_momentum");
  test::expect_torchs_steps(sgd(sgd_options{.momentum = 0.9, .nesterov = true}), "sgd_nesterov");
}

TEST(sgd, goes_on_from_its_state_bit_for_bit) {
  test::expect_state_is_complete(sgd());
  test::expect_state_is_complete(sgd(sgd_options{.momentum = 0.9}));
}

TEST(sgd, refuses_nesterov_without_momentum) {
  EXPECT_THROW(sgd(sgd_options{.nesterov = true}), usage_error);
}

}  // namespace
}  // namespace prefopt
