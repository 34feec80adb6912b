#pragma once

#include <span>

#include <prefopt/model/language_model.hpp>

namespace prefopt {

/// The Euclidean norm of all gradients together. Squares are added in double, in pieces of fixed
/// places, so the result is the same with any number of threads.
double gradient_norm(std::span<const parameter> parameters);

/// The norm as the optimizer computes it, where it does: one whose memory is a device's has
/// `gradient_norm(parameters)`, the same number up to rounding. Otherwise `gradient_norm`.
template <class Optimizer>
double gradient_norm_by(Optimizer& optimizer, std::span<const parameter> parameters) {
  if constexpr (requires { optimizer.gradient_norm(parameters); }) {
    return optimizer.gradient_norm(parameters);
  } else {
    return gradient_norm(parameters);
  }
}

/// What gradients of norm `norm` are multiplied by so that theirs is at most `max_norm`, as
/// torch.nn.utils.clip_grad_norm_: min(1, max_norm / (norm + 1e-6)). A `max_norm` of 0 or less
/// never clips. The optimizers take this factor, so clipping costs no pass over memory of its own.
inline float clip_factor(double norm, double max_norm) {
  if (!(max_norm > 0.0)) return 1.0F;
  const double factor = max_norm / (norm + 1e-6);
  return factor < 1.0 ? static_cast<float>(factor) : 1.0F;
}

/// Clips in place and returns the norm from before, for loops of one's own.
double clip_gradient_norm(std::span<const parameter> parameters, double max_norm);

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/train/gradient_norm.ipp>
#endif
