#pragma once

// The address sanitizer's view of memory and stacks that it does not know by itself. Nothing where
// the program is compiled without it.

#include <cstddef>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

namespace emulator {

/// Whoever touches these bytes is reported.
inline void forbid([[maybe_unused]] const void* start, [[maybe_unused]] std::size_t bytes) {
#if defined(__SANITIZE_ADDRESS__)
  __asan_poison_memory_region(start, bytes);
#endif
}

inline void permit([[maybe_unused]] const void* start, [[maybe_unused]] std::size_t bytes) {
#if defined(__SANITIZE_ADDRESS__)
  __asan_unpoison_memory_region(start, bytes);
#endif
}

/// Before a jump to the stack that begins at `stack`; `save` is null where this one is left for
/// good.
inline void before_switch([[maybe_unused]] void** save, [[maybe_unused]] const void* stack,
                          [[maybe_unused]] std::size_t bytes) {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_start_switch_fiber(save, stack, bytes);
#endif
}

/// After the jump, on the new stack: gives the one that was left.
inline void after_switch([[maybe_unused]] void* saved, [[maybe_unused]] const void** from,
                         [[maybe_unused]] std::size_t* from_bytes) {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(saved, from, from_bytes);
#endif
}

}  // namespace emulator
