#pragma once

#include <cstddef>

namespace prefopt::detail {

/// Whether an operation on so many numbers is worth waking the other threads for: below this one
/// thread is done before they have met at the barrier (and on a busy machine long before).
constexpr bool worth_threads(std::size_t numbers) {
  return numbers >= std::size_t{1} << 15U;
}

}  // namespace prefopt::detail
