#pragma once

#include <prefopt/model/tensor_shape.hpp>

#include <limits>

#include <prefopt/core/config.hpp>

namespace prefopt {

PREFOPT_INLINE bool count_elements(const std::vector<std::size_t>& shape, std::size_t& count) {
  count = 1;
  for (const std::size_t side : shape) {
    if (side != 0 && count > std::numeric_limits<std::size_t>::max() / side) return false;
    count *= side;
  }
  return true;
}

PREFOPT_INLINE std::string shape_text(const std::vector<std::size_t>& shape) {
  std::string text = "(";
  for (std::size_t i = 0; i < shape.size(); ++i) {
    text += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
  }
  return text + ")";
}

PREFOPT_INLINE std::string list_text(const std::vector<std::string>& names, std::size_t limit) {
  std::string text;
  for (std::size_t i = 0; i < names.size() && i < limit; ++i) {
    text += (i == 0 ? "" : ", ") + names[i].substr(0, 200);
  }
  if (names.size() > limit) text += " and " + std::to_string(names.size() - limit) + " more";
  return text;
}

}  // namespace prefopt
