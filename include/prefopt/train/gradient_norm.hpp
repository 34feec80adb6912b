#pragma once

#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

#include <prefopt/model/language_model.hpp>

namespace prefopt {

/// The Euclidean norm of all gradients together. Squares are added in double, in pieces of fixed
/// places, so the result is the same with any number of threads.
inline double gradient_norm(std::span<const parameter> parameters) {
  constexpr std::size_t piece = std::size_t{1} << 16U;
  constexpr std::size_t lanes = 8;
  double total = 0.0;
  thread_local std::vector<double> kept;  // so that a step takes no memory
  for (const parameter& p : parameters) {
    const std::span<const float> gradient = p.gradient;
    const auto pieces = static_cast<std::ptrdiff_t>((gradient.size() + piece - 1) / piece);
    kept.assign(static_cast<std::size_t>(pieces), 0.0);
    double* const sums = kept.data();  // this thread's, for all
#ifdef _OPENMP
#pragma omp parallel for schedule(static) if (pieces > 1)
#endif
    for (std::ptrdiff_t i = 0; i < pieces; ++i) {
      const std::size_t begin = static_cast<std::size_t>(i) * piece;
      const std::size_t end = begin + piece < gradient.size() ? begin + piece : gradient.size();
      double lane[lanes] = {};
      std::size_t k = begin;
      for (; k + lanes <= end; k += lanes) {
        for (std::size_t j = 0; j < lanes; ++j) {
          const double g = gradient[k + j];
          lane[j] += g * g;
        }
      }
      for (; k < end; ++k) lane[0] += static_cast<double>(gradient[k]) * gradient[k];
      double sum = 0.0;
      for (const double s : lane) sum += s;
      sums[i] = sum;
    }
    for (const double sum : kept) total += sum;
  }
  return std::sqrt(total);
}

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
inline double clip_gradient_norm(std::span<const parameter> parameters, double max_norm) {
  const double norm = gradient_norm(parameters);
  const float factor = clip_factor(norm, max_norm);
  if (factor != 1.0F) {
    for (const parameter& p : parameters) {
      for (float& g : p.gradient) g *= factor;
    }
  }
  return norm;
}

}  // namespace prefopt
