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
    factors f;
    f.scale = scale;
    f.size = static_cast<float>(rate);
    f.keep = static_cast<float>(options_.alpha);
    f.take = static_cast<float>(1.0 - options_.alpha);
    f.epsilon = static_cast<float>(options_.epsilon);
    f.momentum = static_cast<float>(options_.momentum);
    f.decay = static_cast<float>(options_.weight_decay);
    factors still = f;
    still.decay = 0.0F;
    detail::for_each_piece(parameters, [&](std::size_t p, std::size_t begin, std::size_t end) {
      const factors& use = parameters[p].decays ? f : still;
      float* const value = parameters[p].value.data() + begin;
      const float* const gradient = parameters[p].gradient.data() + begin;
      float* const s = square_[p].data() + begin;
      if (heavy) {
        update(use, end - begin, value, gradient, s, buffer_[p].data() + begin);
      } else {
        update(use, end - begin, value, gradient, s);
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
  struct factors {
    float scale, size, keep, take, epsilon, momentum, decay;
  };

  // The factors by value and the arrays unaliased, so that the loops are vectorized.
  static void update(const factors f, std::size_t count, float* __restrict value,
                     const float* __restrict gradient, float* __restrict s) {
    for (std::size_t i = 0; i < count; ++i) {
      const float g = f.scale * gradient[i] + f.decay * value[i];
      s[i] = f.keep * s[i] + f.take * g * g;
      value[i] -= f.size * (g / (std::sqrt(s[i]) + f.epsilon));
    }
  }
  static void update(const factors f, std::size_t count, float* __restrict value,
                     const float* __restrict gradient, float* __restrict s, float* __restrict b) {
    for (std::size_t i = 0; i < count; ++i) {
      const float g = f.scale * gradient[i] + f.decay * value[i];
      s[i] = f.keep * s[i] + f.take * g * g;
      b[i] = f.momentum * b[i] + g / (std::sqrt(s[i]) + f.epsilon);
      value[i] -= f.size * b[i];
    }
  }

  rmsprop_options options_;
  detail::optimizer_memory square_{"mean_square"};
  detail::optimizer_memory buffer_{"momentum"};
  std::uint64_t steps_ = 0;
};
static_assert(optimizer<rmsprop>);

}  // namespace prefopt
