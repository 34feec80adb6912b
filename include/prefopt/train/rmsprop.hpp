#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <prefopt/model/language_model.hpp>
#include <prefopt/train/optimizer.hpp>

namespace prefopt {

/// Settings of `rmsprop`; the defaults are torch.optim.RMSprop's.
struct rmsprop_options {
  double alpha = 0.99;  ///< how much of the old mean square is kept
  double epsilon = 1e-8;
  double momentum = 0.0;
  double weight_decay = 0.0;  ///< added to the gradient; not of parameters that do not decay
};

/// RMSprop (Tieleman and Hinton 2012), as torch.optim.RMSprop computes it; the optimizer of the
/// DPO and ODPO papers' experiments:
///
///     g <- g + weight_decay * v
///     s <- alpha s + (1 - alpha) g^2
///     v <- v - rate * g / (sqrt(s) + epsilon)              without momentum
///     b <- momentum * b + g / (sqrt(s) + epsilon),  v <- v - rate * b     with it
class rmsprop {
 public:
  explicit rmsprop(const rmsprop_options& options = {}) : options_(options) {}

  void step(std::span<const parameter> parameters, double rate, float scale = 1.0F) {
    square_.prepare(parameters);
    const bool heavy = options_.momentum > 0.0;
    if (heavy) buffer_.prepare(parameters);
    ++steps_;
    const auto size = static_cast<float>(rate);
    const auto keep = static_cast<float>(options_.alpha);
    const auto take = static_cast<float>(1.0 - options_.alpha);
    const auto epsilon = static_cast<float>(options_.epsilon);
    const auto momentum = static_cast<float>(options_.momentum);
    detail::for_each_piece(parameters, [&](std::size_t p, std::size_t begin, std::size_t end) {
      float* const value = parameters[p].value.data();
      const float* const gradient = parameters[p].gradient.data();
      float* const s = square_[p].data();
      const auto decay = parameters[p].decays ? static_cast<float>(options_.weight_decay) : 0.0F;
      if (!heavy) {
        for (std::size_t i = begin; i < end; ++i) {
          const float g = scale * gradient[i] + decay * value[i];
          s[i] = keep * s[i] + take * g * g;
          value[i] -= size * (g / (std::sqrt(s[i]) + epsilon));
        }
        return;
      }
      float* const b = buffer_[p].data();
      for (std::size_t i = begin; i < end; ++i) {
        const float g = scale * gradient[i] + decay * value[i];
        s[i] = keep * s[i] + take * g * g;
        b[i] = momentum * b[i] + g / (std::sqrt(s[i]) + epsilon);
        value[i] -= size * b[i];
      }
    });
  }

  [[nodiscard]] std::vector<optimizer_array> state(std::span<const parameter> parameters) {
    std::vector<optimizer_array> list;
    square_.append_to(list, parameters);
    if (options_.momentum > 0.0) buffer_.append_to(list, parameters);
    return list;
  }
  [[nodiscard]] std::uint64_t steps() const { return steps_; }
  void set_steps(std::uint64_t steps) { steps_ = steps; }
  [[nodiscard]] std::string describe() const {
    return "rmsprop" + detail::setting("alpha", options_.alpha) +
           detail::setting("epsilon", options_.epsilon) +
           detail::setting("momentum", options_.momentum) +
           detail::setting("weight_decay", options_.weight_decay);
  }

 private:
  rmsprop_options options_;
  detail::optimizer_memory square_{"mean_square"};
  detail::optimizer_memory buffer_{"momentum"};
  std::uint64_t steps_ = 0;
};
static_assert(optimizer<rmsprop>);

}  // namespace prefopt
