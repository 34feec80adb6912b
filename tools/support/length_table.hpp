#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace tools {

/// Lengths in tokens of one kind of text, before anything is cut.
struct lengths {
  std::string name;
  std::vector<std::size_t> values;
  std::size_t limit = 0;  ///< what is longer is cut; 0: nothing is
};

/// A histogram over powers of two with a column for each kind, and below it the largest length and
/// how many are cut.
std::string length_table(const std::vector<lengths>& kinds);

/// Bytes as people read them: "1.25 GiB".
std::string format_bytes(double bytes);

}  // namespace tools
