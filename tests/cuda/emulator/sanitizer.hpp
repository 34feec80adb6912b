#pragma once

// What the address, thread and memory sanitizers do not know by themselves of memory, stacks and
// order. Nothing where the program is compiled without them. Under the thread sanitizer the
// emulator itself is not instrumented, only the kernels are: PREFOPT_EMULATOR_TSAN tells of it, and
// PREFOPT_EMULATOR_MSAN of the memory sanitizer.

#include <cstddef>

#include <sys/mman.h>

#if defined(PREFOPT_ADDRESS_SANITIZER)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

#if defined(PREFOPT_EMULATOR_MSAN)
#include <sanitizer/msan_interface.h>
#endif

#if defined(PREFOPT_EMULATOR_TSAN)
#include <sanitizer/tsan_interface.h>
extern "C" void AnnotateIgnoreWritesBegin(const char* file, int line);
extern "C" void AnnotateIgnoreWritesEnd(const char* file, int line);
#endif

namespace emulator {

/// Whoever touches these bytes is reported.
inline void forbid([[maybe_unused]] const void* start, [[maybe_unused]] std::size_t bytes) {
#if defined(PREFOPT_ADDRESS_SANITIZER)
  __asan_poison_memory_region(start, bytes);
#endif
}

inline void permit([[maybe_unused]] const void* start, [[maybe_unused]] std::size_t bytes) {
#if defined(PREFOPT_ADDRESS_SANITIZER)
  __asan_unpoison_memory_region(start, bytes);
#endif
}

/// Nobody has written these bytes yet: whoever decides by one of them, or takes it for an address
/// or an argument, is reported.
inline void unwritten([[maybe_unused]] void* start, [[maybe_unused]] std::size_t bytes) {
#if defined(PREFOPT_EMULATOR_MSAN)
  __msan_poison(start, bytes);
#endif
}

/// These bytes go back to the host, of whose memory nothing is said.
inline void written([[maybe_unused]] void* start, [[maybe_unused]] std::size_t bytes) {
#if defined(PREFOPT_EMULATOR_MSAN)
  __msan_unpoison(start, bytes);
#endif
}

/// Before a function that changes stacks: the memory sanitizer would take what another fiber passed
/// to a function for what is passed here.
#if defined(PREFOPT_EMULATOR_MSAN)
#define PREFOPT_EMULATOR_SWITCHES __attribute__((no_sanitize("memory")))
#else
#define PREFOPT_EMULATOR_SWITCHES
#endif

/// Before a jump to the stack that begins at `stack`; `save` is null where this one is left for
/// good.
inline void before_switch([[maybe_unused]] void** save, [[maybe_unused]] const void* stack,
                          [[maybe_unused]] std::size_t bytes) {
#if defined(PREFOPT_ADDRESS_SANITIZER)
  __sanitizer_start_switch_fiber(save, stack, bytes);
#endif
}

/// After the jump, on the new stack: gives the one that was left.
inline void after_switch([[maybe_unused]] void* saved, [[maybe_unused]] const void** from,
                         [[maybe_unused]] std::size_t* from_bytes) {
#if defined(PREFOPT_ADDRESS_SANITIZER)
  __sanitizer_finish_switch_fiber(saved, from, from_bytes);
#endif
}

/// What happened before `release(mark)` happened before what comes after `acquire(mark)`.
inline void release([[maybe_unused]] void* mark) {
#if defined(PREFOPT_EMULATOR_TSAN)
  __tsan_release(mark);
#endif
}
inline void acquire([[maybe_unused]] void* mark) {
#if defined(PREFOPT_EMULATOR_TSAN)
  __tsan_acquire(mark);
#endif
}

/// Memory of mmap that begins anew: who used it before, in another block, is forgotten.
inline void renew([[maybe_unused]] void* start, [[maybe_unused]] std::size_t bytes) {
#if defined(PREFOPT_EMULATOR_TSAN)
  mmap(start, bytes, PROT_READ | PROT_WRITE,
       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
#endif
}

/// Writes in this scope are the machine's, not those of the thread that runs.
class unseen_writes {
 public:
#if defined(PREFOPT_EMULATOR_TSAN)
  unseen_writes() {
    AnnotateIgnoreWritesBegin(__FILE__, __LINE__);
  }
  ~unseen_writes() {
    AnnotateIgnoreWritesEnd(__FILE__, __LINE__);
  }
#else
  unseen_writes() {}
#endif
  unseen_writes(const unseen_writes&) = delete;
  unseen_writes& operator=(const unseen_writes&) = delete;
};

/// A thread of control, as the thread sanitizer knows it.
class traced_thread {
 public:
#if defined(PREFOPT_EMULATOR_TSAN)
  ~traced_thread() {
    end();
  }
  void begin() {
    end();
    inside_ = __tsan_create_fiber(0);
  }
  void enter() {
    outside_ = __tsan_get_current_fiber();
    __tsan_switch_to_fiber(inside_, __tsan_switch_to_fiber_no_sync);
  }
  void leave() {
    __tsan_switch_to_fiber(outside_, __tsan_switch_to_fiber_no_sync);
  }
  /// All that it did happened before acquire(mark).
  void release_for(void* mark) {
    enter();
    release(mark);
    leave();
  }

 private:
  void end() {
    if (inside_ != nullptr) __tsan_destroy_fiber(inside_);
    inside_ = nullptr;
  }
  void* inside_ = nullptr;
  void* outside_ = nullptr;
#else
  void begin() {}
  void enter() {}
  void leave() {}
  void release_for(void*) {}
#endif
};

}  // namespace emulator
