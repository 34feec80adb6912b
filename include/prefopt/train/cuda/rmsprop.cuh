#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <prefopt/backend/cuda/array.cuh>
#include <prefopt/backend/cuda/context.cuh>
#include <prefopt/model/language_model.hpp>
#include <prefopt/train/cuda/gradient_norm.cuh>
#include <prefopt/train/cuda/multi_tensor.cuh>
#include <prefopt/train/optimizer.hpp>
#include <prefopt/train/rmsprop.hpp>

namespace prefopt {

/// `rmsprop` on the device, one kernel for all parameters; for the rest as `cuda_adamw`.
class cuda_rmsprop {
 public:
  explicit cuda_rmsprop(const rmsprop_options& options = {}) : options_(options) {}

  void step(std::span<const parameter> parameters, double rate, float scale = 1.0F) {
    square_.prepare(parameters);
    if (heavy()) buffer_.prepare(parameters);
    ++steps_;
    const detail::rmsprop_update decaying(options_, rate, scale, true);
    const detail::rmsprop_update still(options_, rate, scale, false);
    if (heavy()) {
      gpu::tensor_list<4> list;
      for (std::size_t p = 0; p < parameters.size(); ++p) {
        const parameter& each = parameters[p];
        list.add({each.value.data(), each.gradient.data(), square_[p].data(), buffer_[p].data()},
                 each.value.size(), each.decays);
      }
      gpu::update_all(list, decaying, still);
    } else {
      gpu::tensor_list<3> list;
      for (std::size_t p = 0; p < parameters.size(); ++p) {
        const parameter& each = parameters[p];
        list.add({each.value.data(), each.gradient.data(), square_[p].data()}, each.value.size(),
                 each.decays);
      }
      gpu::update_all(list, decaying, still);
    }
    gpu::context::current().synchronize();
  }

  [[nodiscard]] static double gradient_norm(std::span<const parameter> parameters) {
    return cuda_gradient_norm(parameters);
  }

  [[nodiscard]] std::vector<optimizer_array> state(std::span<const parameter> parameters) {
    std::vector<optimizer_array> list;
    square_.append_to(list, parameters);
    if (heavy()) buffer_.append_to(list, parameters);
    return list;
  }
  [[nodiscard]] std::uint64_t steps() const { return steps_; }
  void set_steps(std::uint64_t steps) { steps_ = steps; }
  [[nodiscard]] std::string describe() const { return rmsprop(options_).describe(); }

 private:
  [[nodiscard]] bool heavy() const { return options_.momentum > 0.0; }

  rmsprop_options options_;
  detail::basic_optimizer_memory<cuda_managed_array> square_{"mean_square"};
  detail::basic_optimizer_memory<cuda_managed_array> buffer_{"momentum"};
  std::uint64_t steps_ = 0;
};
static_assert(optimizer<cuda_rmsprop>);

}  // namespace prefopt
