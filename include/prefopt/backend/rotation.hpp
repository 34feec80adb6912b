#pragma once

#include <cstddef>
#include <span>

#include <prefopt/backend/kinds.hpp>

namespace prefopt {

/// How positions turn query and key heads (Su et al. 2021): pair i of a head's coordinates turns by
/// position * frequencies[i]. There are as many pairs as frequencies, at most head_width / 2; the
/// coordinates after them stay as they are. `kind` says which coordinates are a pair.
struct rotation {
  position_kind kind = position_kind::rotary_half;
  std::span<const float> frequencies;  // (pairs), radians a position, host memory

  [[nodiscard]] std::size_t pairs() const { return frequencies.size(); }
};

}  // namespace prefopt
