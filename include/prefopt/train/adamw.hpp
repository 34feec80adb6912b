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

/// Settings of `adamw`; the defaults are those of torch.optim.AdamW but for `weight_decay` (0.01
/// there), which is 0 as in trainers of preferences.
struct adamw_options {
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0.0;  ///< not of parameters with `decays == false`
};

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

  void step(std::span<const parameter> parameters, double rate, float scale = 1.0F) {
    first_.prepare(parameters);
    second_.prepare(parameters);
    ++steps_;
    const auto t = static_cast<double>(steps_);
    factors f;
    f.scale = scale;
    f.size = static_cast<float>(rate / (1.0 - std::pow(options_.beta1, t)));
    f.correction = static_cast<float>(std::sqrt(1.0 - std::pow(options_.beta2, t)));
    f.epsilon = static_cast<float>(options_.epsilon);
    f.lerp = static_cast<float>(1.0 - options_.beta1);
    f.keep = static_cast<float>(options_.beta2);
    f.take = static_cast<float>(1.0 - options_.beta2);
    f.decay = static_cast<float>(1.0 - rate * options_.weight_decay);
    factors still = f;
    still.decay = 1.0F;
    detail::for_each_piece(parameters, [&](std::size_t p, std::size_t begin, std::size_t end) {
      update(parameters[p].decays ? f : still, end - begin, parameters[p].value.data() + begin,
             parameters[p].gradient.data() + begin, first_[p].data() + begin,
             second_[p].data() + begin);
    });
  }

  [[nodiscard]] std::vector<optimizer_array> state(std::span<const parameter> parameters) {
    std::vector<optimizer_array> list;
    first_.append_to(list, parameters);
    second_.append_to(list, parameters);
    return list;
  }
  [[nodiscard]] std::uint64_t steps() const { return steps_; }
  void set_steps(std::uint64_t steps) { steps_ = steps; }
  [[nodiscard]] std::string describe() const {
    return "adamw" + detail::setting("beta1", options_.beta1) +
           detail::setting("beta2", options_.beta2) + detail::setting("epsilon", options_.epsilon) +
           detail::setting("weight_decay", options_.weight_decay);
  }

 private:
  struct factors {
    float scale, size, correction, epsilon, lerp, keep, take, decay;
  };

  // The factors by value and the arrays unaliased, so that the loop is vectorized.
  static void update(const factors f, std::size_t count, float* __restrict value,
                     const float* __restrict gradient, float* __restrict m, float* __restrict s) {
    for (std::size_t i = 0; i < count; ++i) {
      const float g = f.scale * gradient[i];
      m[i] += f.lerp * (g - m[i]);
      s[i] = f.keep * s[i] + f.take * g * g;
      value[i] =
          f.decay * value[i] - f.size * (m[i] / (std::sqrt(s[i]) / f.correction + f.epsilon));
    }
  }

  adamw_options options_;
  detail::optimizer_memory first_{"first_moment"};
  detail::optimizer_memory second_{"second_moment"};
  std::uint64_t steps_ = 0;
};
static_assert(optimizer<adamw>);

}  // namespace prefopt
