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

/// Settings of `adamw`; the defaults are those of torch.optim.AdamW but for `weight_decay` (0.01
/// there), which is 0 as in trainers of preferences.
struct adamw_options {
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0.0;  ///< not of parameters with `decays == false`
};

namespace detail {

/// AdamW's step number t, of one number; for the CPU and for kernels.
struct adamw_update {
  float scale, size, correction, epsilon, lerp, keep, take, decay;

  adamw_update(const adamw_options& options, std::uint64_t t, double rate, float factor,
               bool decays)
      : scale(factor),
        size(static_cast<float>(rate / (1.0 - std::pow(options.beta1, static_cast<double>(t))))),
        correction(
            static_cast<float>(std::sqrt(1.0 - std::pow(options.beta2, static_cast<double>(t))))),
        epsilon(static_cast<float>(options.epsilon)),
        lerp(static_cast<float>(1.0 - options.beta1)),
        keep(static_cast<float>(options.beta2)),
        take(static_cast<float>(1.0 - options.beta2)),
        decay(decays ? static_cast<float>(1.0 - rate * options.weight_decay) : 1.0F) {}

  PREFOPT_HD void operator()(float& value, float gradient, float& m, float& s) const {
    const float g = scale * gradient;
    m += lerp * (g - m);
    s = keep * s + take * g * g;
    value = decay * value - size * (m / (std::sqrt(s) / correction + epsilon));
  }
};

}  // namespace detail

/// AdamW (Loshchilov and Hutter 2019, "Decoupled weight decay regularization", Algorithm 2), as
/// torch.optim.AdamW computes it:
///
///     v <- v (1 - rate * weight_decay)
///     m <- m + (1 - beta1) (g - m)
///     s <- beta2 s + (1 - beta2) g^2
///     v <- v - rate / (1 - beta1^t) * m / (sqrt(s) / sqrt(1 - beta2^t) + epsilon)
///
/// One pass over memory: 16 bytes read and 12 written for each parameter.
class adamw {
 public:
  explicit adamw(const adamw_options& options = {}) : options_(options) {}

  void step(std::span<const parameter> parameters, double rate, float scale = 1.0F);

  [[nodiscard]] std::vector<optimizer_array> state(std::span<const parameter> parameters);
  [[nodiscard]] std::uint64_t steps() const { return steps_; }
  void set_steps(std::uint64_t steps) { steps_ = steps; }
  [[nodiscard]] std::string describe() const;

 private:
  static void update(const detail::adamw_update each, std::size_t count, float* __restrict value,
                     const float* __restrict gradient, float* __restrict m, float* __restrict s);

  adamw_options options_;
  detail::optimizer_memory first_{"first_moment"};
  detail::optimizer_memory second_{"second_moment"};
  std::uint64_t steps_ = 0;
};
static_assert(optimizer<adamw>);

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/train/adamw.ipp>
#endif
