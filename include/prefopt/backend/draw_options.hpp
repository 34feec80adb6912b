#pragma once

#include <cstddef>
#include <string>

namespace prefopt {

/// How a token is drawn from a row of logits. Temperature comes first, then top-k, then top-p of
/// what is left, as in transformers.
struct draw_options {
  double temperature = 1.0;  ///< 0: the likeliest token; else 1e-6 to 1e6
  std::size_t top_k = 0;     ///< only the k likeliest tokens; 0: all
  double top_p = 1.0;        ///< only the likeliest tokens that make up p; in (0, 1]

  /// Whether top-k leaves out some of so many tokens.
  [[nodiscard]] bool cuts_by_count(std::size_t vocabulary) const {
    return top_k != 0 && top_k < vocabulary;
  }
  /// Whether top-k or top-p does.
  [[nodiscard]] bool cuts(std::size_t vocabulary) const {
    return cuts_by_count(vocabulary) || top_p < 1.0;
  }
};

namespace detail {

/// Throws `usage_error` that names the option, what was given and what was expected.
void require_option(bool good, const char* name, const std::string& found, const char* expected);

}  // namespace detail

/// Throws `usage_error` that names the option, what was given and what was expected.
void validate(const draw_options& options);

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/backend/draw_options.ipp>
#endif
