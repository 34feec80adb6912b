#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace prefopt {

/// Product of a shape's sides; false if it does not fit.
bool count_elements(const std::vector<std::size_t>& shape, std::size_t& count);

/// "(2, 3)", for messages.
std::string shape_text(const std::vector<std::size_t>& shape);

/// "a, b, c and 7 more", for messages.
std::string list_text(const std::vector<std::string>& names, std::size_t limit = 8);

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/model/tensor_shape.ipp>
#endif
