#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <unistd.h>

#include <prefopt/core/communicator.hpp>

namespace prefopt {

/// The name of this machine.
inline std::string host_name() {
  std::vector<char> name(256, '\0');
  if (gethostname(name.data(), name.size() - 1) != 0) return "";
  return name.data();
}

/// How many of the ranks before this one are on its machine. Every rank calls it.
template <communicator Communicator>
std::size_t local_rank(Communicator& ranks, const std::string& machine = host_name()) {
  std::size_t before = 0;
  for (std::size_t r = 0; r < ranks.size(); ++r) {
    const bool same = broadcast_text(ranks, machine, r) == machine;
    if (same && r < ranks.rank()) ++before;
  }
  return before;
}

}  // namespace prefopt
