#pragma once

#include <prefopt/sample/sampling_options.hpp>

#include <string>

#include <prefopt/core/config.hpp>

namespace prefopt {

PREFOPT_INLINE void validate(const sampling_options& options) {
  using detail::require_option;
  validate(options.drawing());
  require_option(options.max_new_tokens > 0, "max_new_tokens", "0", "at least 1");
  require_option(options.responses > 0, "responses", "0", "at least 1");
  require_option(options.responses <= 0xFFFFFFFFU, "responses", std::to_string(options.responses),
                 "less than 2^32");
  require_option(options.batch_rows > 0, "batch_rows", "0", "at least 1");
}

}  // namespace prefopt
