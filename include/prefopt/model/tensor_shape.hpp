#pragma once

#include <cstddef>
#include <limits>
#include <string>
#include <vector>

namespace prefopt {

/// Product of a shape's sides; false if it does not fit.
inline bool count_elements(const std::vector<std::size_t>& shape, std::size_t& count) {
  count = 1;
  for (const std::size_t side : shape) {
    if (side != 0 && count > std::numeric_limits<std::size_t>::max() / side) return false;
    count *= side;
  }
  return true;
}

/// "(2, 3)", for messages.
inline std::string shape_text(const std::vector<std::size_t>& shape) {
  std::string text = "(";
  for (std::size_t i = 0; i < shape.size(); ++i) {
    text += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
  }
  return text + ")";
}

/// "a, b, c and 7 more", for messages.
inline std::string list_text(const std::vector<std::string>& names, std::size_t limit = 8) {
  std::string text;
  for (std::size_t i = 0; i < names.size() && i < limit; ++i) {
    text += (i == 0 ? "" : ", ") + names[i].substr(0, 200);
  }
  if (names.size() > limit) text += " and " + std::to_string(names.size() - limit) + " more";
  return text;
}

}  // namespace prefopt
