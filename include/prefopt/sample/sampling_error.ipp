#pragma once

#include <prefopt/sample/sampling_error.hpp>

#include <prefopt/core/config.hpp>

namespace prefopt {

PREFOPT_INLINE sampling_error::sampling_error(std::size_t prompt, std::size_t response,
                                              std::size_t position, const std::string& problem)
    : error("prompt " + std::to_string(prompt) + ", response " + std::to_string(response) +
            ", token " + std::to_string(position) + ": " + problem),
      prompt_(prompt),
      response_(response),
      position_(position) {}

}  // namespace prefopt
