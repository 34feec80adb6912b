#pragma once

#include <prefopt/backend/draw_options.hpp>

#include <prefopt/core/config.hpp>
#include <prefopt/core/error.hpp>

namespace prefopt {

namespace detail {

PREFOPT_INLINE void require_option(bool good, const char* name, const std::string& found,
                                   const char* expected) {
  if (good) return;
  throw usage_error(std::string("sampling: ") + name + " is " + found + "; expected " + expected);
}

}  // namespace detail

PREFOPT_INLINE void validate(const draw_options& options) {
  detail::require_option(
      options.temperature == 0.0 || (options.temperature >= 1e-6 && options.temperature <= 1e6),
      "temperature", std::to_string(options.temperature), "0 or 1e-6 to 1e6");
  detail::require_option(options.top_p > 0.0 && options.top_p <= 1.0, "top_p",
                         std::to_string(options.top_p), "a number in (0, 1]");
}

}  // namespace prefopt
