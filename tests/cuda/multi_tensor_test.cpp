// The optimizers and the gradient norm on the device, against those of the CPU.
#include <prefopt/train/cuda/multi_tensor.cuh>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <prefopt/core/random.hpp>
#include <prefopt/train/cuda/adamw.cuh>
#include <prefopt/train/cuda/gradient_norm.cuh>
#include <prefopt/train/cuda/rmsprop.cuh>

namespace prefopt {
namespace {

/// Parameters of lengths around those of a block's piece and of none, every other one decaying.
template <class Array>
class some_parameters {
 public:
  some_parameters() {
    for (const std::size_t size : {std::size_t{1}, gpu::tensor_piece, std::size_t{0},
                                   gpu::tensor_piece + 1, std::size_t{777}}) {
      values_.emplace_back(size);
      gradients_.emplace_back(size);
    }
    random_stream random(5);
    for (std::size_t p = 0; p < values_.size(); ++p) {
      for (std::size_t i = 0; i < values_[p].size(); ++i) {
        values_[p].data()[i] = static_cast<float>(random.uniform() - 0.5);
      }
      list_.push_back({"p" + std::to_string(p),
                       {values_[p].size()},
                       {values_[p].data(), values_[p].size()},
                       {gradients_[p].data(), gradients_[p].size()},
                       p % 2 == 0});
    }
  }
  void next_gradients(std::uint32_t step) {
    random_stream random(6, step);
    for (const parameter& p : list_) {
      for (float& g : p.gradient) g = static_cast<float>(random.uniform() - 0.5);
    }
  }
  [[nodiscard]] const std::vector<parameter>& list() const { return list_; }

 private:
  std::vector<Array> values_, gradients_;
  std::vector<parameter> list_;
};
using device_parameters = some_parameters<cuda_managed_array>;
using host_parameters = some_parameters<std::vector<float>>;

/// Three steps, the state handed over after the first, give what the CPU's give.
template <class OnDevice, class OnHost>
void expect_steps_of_the_cpu(const OnDevice& fresh, OnHost on_host) {
  device_parameters device;
  host_parameters host;
  OnDevice first = fresh;
  OnDevice second = fresh;
  EXPECT_EQ(first.describe(), on_host.describe()) << "a run may go on with either";
  for (std::uint32_t step = 0; step < 3; ++step) {
    device.next_gradients(step);
    host.next_gradients(step);
    OnDevice& on_device = step == 0 ? first : second;
    on_device.step(device.list(), 0.01, 0.5F);
    on_host.step(host.list(), 0.01, 0.5F);
    if (step != 0) continue;
    const auto from = first.state(device.list());
    const auto to = second.state(device.list());
    for (std::size_t i = 0; i < from.size(); ++i) {
      std::copy(from[i].value.begin(), from[i].value.end(), to[i].value.begin());
    }
    second.set_steps(first.steps());
  }
  EXPECT_EQ(second.steps(), on_host.steps());
  for (std::size_t p = 0; p < host.list().size(); ++p) {
    for (std::size_t i = 0; i < host.list()[p].value.size(); ++i) {
      ASSERT_NEAR(device.list()[p].value[i], host.list()[p].value[i], 1e-6)
          << host.list()[p].name << ", element " << i;
    }
  }
  const auto device_state = second.state(device.list());
  const auto host_state = on_host.state(host.list());
  ASSERT_EQ(device_state.size(), host_state.size());
  for (std::size_t a = 0; a < host_state.size(); ++a) {
    EXPECT_EQ(device_state[a].name, host_state[a].name);
    for (std::size_t i = 0; i < host_state[a].value.size(); ++i) {
      ASSERT_NEAR(device_state[a].value[i], host_state[a].value[i],
                  1e-6F * (1.0F + std::abs(host_state[a].value[i])))
          << host_state[a].name;
    }
  }
}

TEST(cuda_adamw, makes_the_steps_of_the_cpu) {
  const adamw_options options{.beta1 = 0.8, .beta2 = 0.95, .epsilon = 1e-3, .weight_decay = 0.3};
  expect_steps_of_the_cpu(cuda_adamw(options), adamw(options));
}

TEST(cuda_rmsprop, makes_the_steps_of_the_cpu) {
  expect_steps_of_the_cpu(cuda_rmsprop(), rmsprop());
  const rmsprop_options options{.alpha = 0.9, .momentum = 0.7, .weight_decay = 0.2};
  expect_steps_of_the_cpu(cuda_rmsprop(options), rmsprop(options));
}

TEST(cuda_adamw, refuses_the_parameters_of_another_model) {
  device_parameters device;
  cuda_adamw optimizer;
  optimizer.step(device.list(), 0.1);
  EXPECT_THROW(optimizer.step(std::span(device.list()).first(2), 0.1), usage_error);
}

TEST(cuda_gradient_norm, is_the_cpus_and_shows_what_is_not_finite) {
  device_parameters device;
  EXPECT_EQ(cuda_gradient_norm(device.list()), 0.0);
  EXPECT_EQ(cuda_gradient_norm({}), 0.0);
  device.next_gradients(1);
  const double norm = cuda_gradient_norm(device.list());
  EXPECT_NEAR(norm, gradient_norm(device.list()), 1e-12 * norm);
  EXPECT_EQ(cuda_gradient_norm(device.list()), norm) << "the same bits every time";
  cuda_adamw adamw;
  cuda_rmsprop rmsprop;
  EXPECT_EQ(gradient_norm_by(adamw, device.list()), norm) << "the training loop's way to it";
  EXPECT_EQ(gradient_norm_by(rmsprop, device.list()), norm);
  device.list()[3].gradient.back() = std::numeric_limits<float>::quiet_NaN();
  EXPECT_TRUE(std::isnan(cuda_gradient_norm(device.list())));
}

}  // namespace
}  // namespace prefopt
