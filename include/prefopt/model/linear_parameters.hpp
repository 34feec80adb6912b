#pragma once

#include <utility>
#include <vector>

#include <prefopt/backend/compute_backend.hpp>
#include <prefopt/backend/profiled.hpp>
#include <prefopt/model/lora_parameters.hpp>
#include <prefopt/model/matrix_parameter.hpp>

namespace prefopt {

/// y = x W^T + b, and what adapters add to it. The weight is prepared for products when it is first
/// used after a change.
template <compute_backend Backend>
class linear_parameters {
 public:
  linear_parameters() = default;
  linear_parameters(matrix_parameter weight, matrix_parameter bias)
      : weight_(weight), bias_(bias) {}

  void apply(const_matrix_view x, matrix_view y);
  /// dx (=|+=) the gradient; those of the parameters are added to, where they are trained.
  void backward(const_matrix_view x, const_matrix_view dy, matrix_view dx, bool accumulate);
  void changed() {
    fresh_ = false;
    adapter_changed();
  }

  void add_adapter(lora_part<Backend> part) { adapter_.push_back(std::move(part)); }
  void adapter_changed() {
    for (auto& part : adapter_) part.changed();
  }
  /// Makes the adapters part of the weight.
  void merge_adapter();

  [[nodiscard]] const typename Backend::weight& prepared();
  [[nodiscard]] const matrix_parameter& weight() const { return weight_; }
  [[nodiscard]] const matrix_parameter& bias() const { return bias_; }

 private:
  matrix_parameter weight_;
  matrix_parameter bias_;  // null where there is none
  std::vector<lora_part<Backend>> adapter_;
  typename Backend::weight packed_;
  bool fresh_ = false;
};

template <compute_backend Backend>
void linear_parameters<Backend>::apply(const_matrix_view x, matrix_view y) {
  Backend::linear(x, prepared(), bias_.value.data, y);
  for (auto& part : adapter_) part.apply(x, y);
}

template <compute_backend Backend>
void linear_parameters<Backend>::backward(const_matrix_view x, const_matrix_view dy, matrix_view dx,
                                          bool accumulate) {
  Backend::linear_backward(x, weight_.value, dy, dx, accumulate, weight_.gradient,
                           bias_.gradient.data);
  for (auto& part : adapter_) part.backward(x, dy, dx);
}

template <compute_backend Backend>
void linear_parameters<Backend>::merge_adapter() {
  for (auto& part : adapter_) part.merge(weight_.value);
}

template <compute_backend Backend>
const typename Backend::weight& linear_parameters<Backend>::prepared() {
  if (!fresh_) prepare_for_products<Backend>(packed_, weight_.value);
  fresh_ = true;
  return packed_;
}

}  // namespace prefopt
