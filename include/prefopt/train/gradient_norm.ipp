#pragma once

#include <prefopt/train/gradient_norm.hpp>

#include <cmath>
#include <cstddef>
#include <vector>

#include <prefopt/core/config.hpp>

namespace prefopt {

PREFOPT_INLINE double gradient_norm(std::span<const parameter> parameters) {
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

PREFOPT_INLINE double clip_gradient_norm(std::span<const parameter> parameters, double max_norm) {
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
