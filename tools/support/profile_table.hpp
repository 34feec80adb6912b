#pragma once

#include <iosfwd>

#include <prefopt/backend/operation_profile.hpp>

namespace tools {

/// Where the time went, an operation a line, the longest first; the last line is what lies between
/// operations.
void print_profile(std::ostream& out, const prefopt::operation_profile& profile);

}  // namespace tools
