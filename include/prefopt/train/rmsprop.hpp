#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <prefopt/core/config.hpp>
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

namespace detail {

/// RMSprop's step of one number, without and with momentum; for the CPU and for kernels.
struct rmsprop_update {
  float scale, size, keep, take, epsilon, momentum, decay;

  rmsprop_update(const rmsprop_options& options, double rate, float factor, bool decays)
      : scale(factor),
        size(static_cast<float>(rate)),
        keep(static_cast<float>(options.alpha)),
        take(static_cast<float>(1.0 - options.alpha)),
        epsilon(static_cast<float>(options.epsilon)),
        momentum(static_cast<float>(options.momentum)),
        decay(decays ? static_cast<float>(options.weight_decay) : 0.0F) {}

  PREFOPT_HD void operator()(float& value, float gradient, float& s) const {
    const float g = scale * gradient + decay * value;
    s = keep * s + take * g * g;
    value -= size * (g / (std::sqrt(s) + epsilon));
  }
  PREFOPT_HD void operator()(float& value, float gradient, float& s, float& b) const {
    const float g = scale * gradient + decay * value;
    s = keep * s + take * g * g;
    b = momentum * b + g / (std::sqrt(s) + epsilon);
    value -= size * b;
  }
};

}  // namespace detail

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

  void step(std::span<const parameter> parameters, double rate, float scale = 1.0F);

  [[nodiscard]] std::vector<optimizer_array> state(std::span<const parameter> parameters);
  [[nodiscard]] std::uint64_t steps() const { return steps_; }
  void set_steps(std::uint64_t steps) { steps_ = steps; }
  [[nodiscard]] std::string describe() const;

 private:
  static void update(const detail::rmsprop_update each, std::size_t count, float* __restrict value,
                     const float* __restrict gradient, float* __restrict s);
  static void update(const detail::rmsprop_update each, std::size_t count, float* __restrict value,
                     const float* __restrict gradient, float* __restrict s, float* __restrict b);

  rmsprop_options options_;
  detail::optimizer_memory square_{"mean_square"};
  detail::optimizer_memory buffer_{"momentum"};
  std::uint64_t steps_ = 0;
};
static_assert(optimizer<rmsprop>);

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/train/rmsprop.ipp>
#endif
