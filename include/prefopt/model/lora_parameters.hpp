#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <prefopt/backend/compute_backend.hpp>
#include <prefopt/backend/profiled.hpp>
#include <prefopt/core/stream_purpose.hpp>
#include <prefopt/model/language_model.hpp>
#include <prefopt/model/lora_layout.hpp>
#include <prefopt/model/lora_options.hpp>
#include <prefopt/model/matrix_parameter.hpp>

namespace prefopt {

/// What all parts of an adapter share: whether it is on, and memory for products.
template <compute_backend Backend>
struct lora_shared {
  bool active = true;
  typename Backend::array low;           // (T, rank), x A^T
  typename Backend::array low_gradient;  // (T, rank)
  typename Backend::array wide;          // (T, outputs)
};

/// The adapter of one module, s (x A^T) B^T. B has the rows of the whole parameter, zeros where
/// they belong to another module, so that every product is one of whole matrices: the module's own
/// rows stand together and are the parameter that is trained.
template <compute_backend Backend>
class lora_part {
 public:
  lora_part(matrix_parameter a, matrix_parameter b, float scale,
            std::shared_ptr<lora_shared<Backend>> shared)
      : a_(a), b_(b), scale_(scale), shared_(std::move(shared)) {}

  /// y += s (x A^T) B^T: 2 T rank (inputs + outputs) operations. With B = 0 that adds exactly 0. A
  /// row's result depends on that row alone, as `linear`'s does.
  void apply(const_matrix_view x, matrix_view y);

  /// With u = x A^T: dB += s dy^T u, dA += s (dy B)^T x, dx += s (dy B) A.
  void backward(const_matrix_view x, const_matrix_view dy, matrix_view dx);

  /// weight += s B A, in float32 whatever products are in: on the host, which parameters are
  /// memory of too.
  void merge(matrix_view weight);

  void changed() { fresh_ = false; }

 private:
  matrix_view project(const_matrix_view x);

  matrix_parameter a_;  // (rank, inputs)
  matrix_parameter b_;  // (outputs, rank)
  float scale_;
  std::shared_ptr<lora_shared<Backend>> shared_;
  typename Backend::weight prepared_a_;
  typename Backend::weight prepared_b_;
  bool fresh_ = false;
};

template <compute_backend Backend>
void lora_part<Backend>::apply(const_matrix_view x, matrix_view y) {
  if (!shared_->active) return;
  const matrix_view low = project(x);
  const matrix_view wide = shared_->wide.as(x.rows, y.columns);
  Backend::linear(low, prepared_b_, nullptr, wide);
  Backend::add(y, wide);
}

template <compute_backend Backend>
void lora_part<Backend>::backward(const_matrix_view x, const_matrix_view dy, matrix_view dx) {
  if (!shared_->active) return;
  const matrix_view low = project(x);  // s u
  const matrix_view dlow = shared_->low_gradient.as(x.rows, a_.value.rows);
  Backend::linear_backward(low, b_.value, dy, dlow, false, b_.gradient, nullptr);
  Backend::scale(dlow, scale_);
  Backend::linear_backward(x, a_.value, dlow, dx, true, a_.gradient, nullptr);
}

template <compute_backend Backend>
void lora_part<Backend>::merge(matrix_view weight) {
  Backend::synchronize();
#pragma omp parallel for schedule(static)
  for (std::size_t o = 0; o < weight.rows; ++o) {
    for (std::size_t r = 0; r < a_.value.rows; ++r) {
      const float factor = scale_ * b_.value.row(o)[r];
      for (std::size_t i = 0; i < weight.columns; ++i) {
        weight.row(o)[i] += factor * a_.value.row(r)[i];
      }
    }
  }
}

template <compute_backend Backend>
matrix_view lora_part<Backend>::project(const_matrix_view x) {
  if (!fresh_) {
    prepare_for_products<Backend>(prepared_a_, a_.value);
    prepare_for_products<Backend>(prepared_b_, b_.value);
    fresh_ = true;
  }
  const matrix_view low = shared_->low.as(x.rows, a_.value.rows);
  Backend::linear(x, prepared_a_, nullptr, low);
  Backend::scale(low, scale_);
  return low;
}

/// The arrays of an adapter: A and B of every module, in the modules' order, under PEFT's names
/// without their common beginning: "model.layers.0.self_attn.q_proj.lora_A.weight".
template <compute_backend Backend>
class lora_parameters {
 public:
  lora_parameters(std::vector<lora_module> modules, const lora_options& options);

  /// A as PEFT starts it, uniform within 1 / sqrt(inputs), B 0: the model computes as without.
  void initialize(std::uint64_t seed);

  /// The adapter of module m, which views these arrays.
  [[nodiscard]] lora_part<Backend> part(std::size_t m);

  /// Values and state of another one of the same modules.
  void assign(const lora_parameters& other);

  void zero_gradients();

  [[nodiscard]] std::span<const parameter> all() const { return all_; }
  [[nodiscard]] const std::vector<lora_module>& modules() const { return modules_; }
  [[nodiscard]] const lora_options& options() const { return options_; }
  [[nodiscard]] bool active() const { return shared_->active; }
  void activate(bool on) { shared_->active = on; }

 private:
  /// Every array starts at a multiple of 64 bytes.
  static std::size_t padded(std::size_t size) { return (size + 15) / 16 * 16; }
  [[nodiscard]] std::size_t padded_a(const lora_module& module) const {
    return padded(options_.rank * module.inputs);
  }
  [[nodiscard]] std::size_t padded_b(const lora_module& module) const {
    return padded(options_.rank * module.outputs);
  }

  void add(std::string name, std::size_t offset, std::size_t rows, std::size_t columns);

  std::vector<lora_module> modules_;
  lora_options options_;
  typename Backend::parameter_array values_;
  typename Backend::parameter_array gradients_;
  std::vector<parameter> all_;
  std::shared_ptr<lora_shared<Backend>> shared_;
};

template <compute_backend Backend>
lora_parameters<Backend>::lora_parameters(std::vector<lora_module> modules,
                                          const lora_options& options)
    : modules_(std::move(modules)),
      options_(options),
      shared_(std::make_shared<lora_shared<Backend>>()) {
  std::size_t total = 0;
  for (const auto& module : modules_) total += padded_a(module) + padded_b(module);
  values_.resize(total);
  gradients_.resize(total);
  std::size_t offset = 0;
  const std::size_t rank = options_.rank;
  for (const auto& module : modules_) {
    add(module.name + ".lora_A.weight", offset, rank, module.inputs);
    offset += padded_a(module);
    add(module.name + ".lora_B.weight", offset + module.first_row * rank, module.rows, rank);
    offset += padded_b(module);
  }
}

template <compute_backend Backend>
void lora_parameters<Backend>::initialize(std::uint64_t seed) {
  for (std::size_t m = 0; m < modules_.size(); ++m) {
    auto random = stream_for(stream_purpose::lora_weights, seed, static_cast<std::uint32_t>(m));
    const double bound = 1.0 / std::sqrt(static_cast<double>(modules_[m].inputs));
    for (float& value : all_[2 * m].value) {
      value = static_cast<float>((2.0 * random.uniform() - 1.0) * bound);
    }
    std::fill(all_[2 * m + 1].value.begin(), all_[2 * m + 1].value.end(), 0.0F);
  }
}

template <compute_backend Backend>
lora_part<Backend> lora_parameters<Backend>::part(std::size_t m) {
  const lora_module& module = modules_[m];
  const parameter& a = all_[2 * m];
  const parameter& b = all_[2 * m + 1];
  const std::size_t rank = options_.rank;
  const std::size_t above = module.first_row * rank;  // zeros before B's own rows
  return {{{a.value.data(), rank, module.inputs}, {a.gradient.data(), rank, module.inputs}},
          {{b.value.data() - above, module.outputs, rank},
           {b.gradient.data() - above, module.outputs, rank}},
          static_cast<float>(options_.scale()),
          shared_};
}

template <compute_backend Backend>
void lora_parameters<Backend>::assign(const lora_parameters& other) {
  Backend::copy({other.values_.data(), 1, other.values_.size()},
                {values_.data(), 1, values_.size()});
  shared_->active = other.shared_->active;
}

template <compute_backend Backend>
void lora_parameters<Backend>::zero_gradients() {
  Backend::fill({gradients_.data(), 1, gradients_.size()}, 0.0F);
}

template <compute_backend Backend>
void lora_parameters<Backend>::add(std::string name, std::size_t offset, std::size_t rows,
                                   std::size_t columns) {
  all_.push_back({std::move(name),
                  {rows, columns},
                  {values_.data() + offset, rows * columns},
                  {gradients_.data() + offset, rows * columns},
                  true});
}

}  // namespace prefopt
