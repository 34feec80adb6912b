#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <string>

#include <prefopt/core/error.hpp>

namespace prefopt {

/// The learning rate of each update: it rises in a line over `warmup` updates, then follows `shape`
/// until `total`. Equal to transformers' get_constant_schedule_with_warmup,
/// get_linear_schedule_with_warmup and get_cosine_schedule_with_warmup (half a cosine); as there,
/// the first update of a warm-up has rate 0.
struct learning_rate_schedule {
  enum class kind { constant, linear, cosine };

  double peak = 5e-5;
  kind shape = kind::constant;
  std::size_t warmup = 0;  ///< updates
  std::size_t total = 0;   ///< updates of the whole run; `constant` does not read it

  /// The rate of update `step`, counted from 0.
  [[nodiscard]] double operator()(std::size_t step) const {
    if (step < warmup) return peak * (static_cast<double>(step) / static_cast<double>(warmup));
    if (shape == kind::constant) return peak;
    if (step >= total) return 0.0;
    const double length = static_cast<double>(total - std::min(warmup, total - 1));
    if (shape == kind::linear) return peak * (static_cast<double>(total - step) / length);
    const double progress = static_cast<double>(step - warmup) / length;
    return peak * std::max(0.0, 0.5 * (1.0 + std::cos(std::numbers::pi * progress)));
  }
};

/// "constant", "linear", "cosine".
inline std::string to_string(learning_rate_schedule::kind shape) {
  switch (shape) {
    case learning_rate_schedule::kind::linear:
      return "linear";
    case learning_rate_schedule::kind::cosine:
      return "cosine";
    case learning_rate_schedule::kind::constant:
      break;
  }
  return "constant";
}

/// The shape of this name; `usage_error` for any other.
inline learning_rate_schedule::kind schedule_named(const std::string& name) {
  using kind = learning_rate_schedule::kind;
  for (const kind shape : {kind::constant, kind::linear, kind::cosine}) {
    if (name == to_string(shape)) return shape;
  }
  throw usage_error("schedule '" + name + "' is none of constant, linear, cosine");
}

}  // namespace prefopt
