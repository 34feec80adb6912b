#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <prefopt/backend/cuda/array.cuh>
#include <prefopt/backend/cuda/context.cuh>
#include <prefopt/model/language_model.hpp>
#include <prefopt/train/adamw.hpp>
#include <prefopt/train/cuda/gradient_norm.cuh>
#include <prefopt/train/cuda/multi_tensor.cuh>
#include <prefopt/train/optimizer.hpp>

namespace prefopt {

/// `adamw` on the device, one kernel for all parameters: 16 bytes read and 12 written for each. Its
/// state has `adamw`'s names and its description is the same, so that a run may go on with either;
/// numbers differ by rounding. Values and gradients are in managed memory; on return the host may
/// look at them.
class cuda_adamw {
 public:
  explicit cuda_adamw(const adamw_options& options = {}) : options_(options) {}

  void step(std::span<const parameter> parameters, double rate, float scale = 1.0F) {
    first_.prepare(parameters);
    second_.prepare(parameters);
    ++steps_;
    gpu::tensor_list<4> list;
    for (std::size_t p = 0; p < parameters.size(); ++p) {
      const parameter& each = parameters[p];
      list.add({each.value.data(), each.gradient.data(), first_[p].data(), second_[p].data()},
               each.value.size(), each.decays);
    }
    gpu::update_all(list, detail::adamw_update(options_, steps_, rate, scale, true),
                    detail::adamw_update(options_, steps_, rate, scale, false));
    gpu::context::current().synchronize();
  }

  [[nodiscard]] static double gradient_norm(std::span<const parameter> parameters) {
    return cuda_gradient_norm(parameters);
  }

  [[nodiscard]] std::vector<optimizer_array> state(std::span<const parameter> parameters) {
    std::vector<optimizer_array> list;
    first_.append_to(list, parameters);
    second_.append_to(list, parameters);
    return list;
  }
  [[nodiscard]] std::uint64_t steps() const { return steps_; }
  void set_steps(std::uint64_t steps) { steps_ = steps; }
  [[nodiscard]] std::string describe() const { return adamw(options_).describe(); }

 private:
  adamw_options options_;
  detail::basic_optimizer_memory<cuda_managed_array> first_{"first_moment"};
  detail::basic_optimizer_memory<cuda_managed_array> second_{"second_moment"};
  std::uint64_t steps_ = 0;
};
static_assert(optimizer<cuda_adamw>);

}  // namespace prefopt
