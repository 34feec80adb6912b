#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <prefopt/model/language_model.hpp>
#include <prefopt/train/optimizer.hpp>

namespace prefopt {

/// Settings of `sgd`; the defaults are torch.optim.SGD's.
struct sgd_options {
  double momentum = 0.0;
  bool nesterov = false;      ///< needs momentum
  double weight_decay = 0.0;  ///< added to the gradient; not of parameters that do not decay
};

/// Gradient descent with momentum (Polyak 1964; Sutskever et al. 2013), as torch.optim.SGD:
///
///     g <- g + weight_decay * v
///     b <- momentum * b + g
///     v <- v - rate * b                      v <- v - rate * (g + momentum * b)  with Nesterov
class sgd {
 public:
  explicit sgd(const sgd_options& options = {}) : options_(options) {
    if (options.nesterov && !(options.momentum > 0.0)) {
      throw usage_error("sgd: nesterov needs a momentum above 0");
    }
  }

  void step(std::span<const parameter> parameters, double rate, float scale = 1.0F) {
    const bool heavy = options_.momentum > 0.0;
    if (heavy) buffer_.prepare(parameters);
    ++steps_;
    const auto size = static_cast<float>(rate);
    const auto momentum = static_cast<float>(options_.momentum);
    detail::for_each_piece(parameters, [&](std::size_t p, std::size_t begin, std::size_t end) {
      float* const value = parameters[p].value.data();
      const float* const gradient = parameters[p].gradient.data();
      const auto decay = parameters[p].decays ? static_cast<float>(options_.weight_decay) : 0.0F;
      if (!heavy) {
        for (std::size_t i = begin; i < end; ++i) {
          value[i] -= size * (scale * gradient[i] + decay * value[i]);
        }
        return;
      }
      float* const b = buffer_[p].data();
      for (std::size_t i = begin; i < end; ++i) {
        const float g = scale * gradient[i] + decay * value[i];
        b[i] = momentum * b[i] + g;
        value[i] -= size * (options_.nesterov ? g + momentum * b[i] : b[i]);
      }
    });
  }

  [[nodiscard]] std::vector<optimizer_array> state(std::span<const parameter> parameters) {
    std::vector<optimizer_array> list;
    if (options_.momentum > 0.0) buffer_.append_to(list, parameters);
    return list;
  }
  [[nodiscard]] std::uint64_t steps() const { return steps_; }
  void set_steps(std::uint64_t steps) { steps_ = steps; }
  [[nodiscard]] std::string describe() const {
    return "sgd" + detail::setting("momentum", options_.momentum) +
           detail::setting("nesterov", options_.nesterov ? 1.0 : 0.0) +
           detail::setting("weight_decay", options_.weight_decay);
  }

 private:
  sgd_options options_;
  detail::optimizer_memory buffer_{"momentum"};
  std::uint64_t steps_ = 0;
};
static_assert(optimizer<sgd>);

}  // namespace prefopt
