#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <cuda_runtime.h>

#include <emulator/fiber.hpp>
#include <emulator/order_marks.hpp>
#include <emulator/shared_memory.hpp>

namespace emulator {

/// Where a kernel calls a device function.
struct site {
  const char* file = "";
  unsigned line = 0;
};

/// What a thread waits for. From `syncwarp` on, the lanes of a warp.
enum class waits : unsigned char {
  nothing,
  barrier,
  syncwarp,
  shuffle,
  ballot,
  add,
  minimum,
  maximum,
  minimum_signed,
  maximum_signed,
  bit_and,
  bit_or,
  bit_xor
};

/// A kernel's launch: its name is found when something is wrong with it.
struct launch_shape {
  dim3 grid;
  dim3 block;
  std::size_t shared_bytes = 0;
  const void* kernel = nullptr;
};

/// Executes one block at a time: its threads are fibers that run from one barrier or collective of
/// their warp to the next, in the order of `option.threads`. Throws `error` for what CUDA forbids.
class block {
 public:
  void run(const launch_shape& shape, uint3 index, const std::function<void()>& thread);
  /// All blocks of a grid have run.
  void end_grid() { marks_.end_grid(); }

  /// The one whose thread is running. Throws where none is.
  static block& running();

  // For the running thread:

  /// All threads meet; the number of them with a predicate that is not 0.
  int barrier(int predicate, site where);
  /// The lanes of `mask` meet, with a value each; `from` is the lane that a shuffle reads.
  std::uint64_t collective(waits kind, unsigned mask, std::uint64_t value, int from, site where);
  /// Lets another thread go first, if the order is random.
  void preempt();
  shared_memory& shared() { return shared_; }
  /// The problem and where each thread of the block stands.
  [[nodiscard]] std::string describe(const std::string& problem) const;

 private:
  static constexpr unsigned most_threads = 1024;
  struct thread_state {
    fiber context;
    uint3 index{};
    unsigned number = 0;
    waits waiting = waits::nothing;
    bool ended = false;
    unsigned barriers = 0;     // so far
    unsigned collectives = 0;  // of the whole warp, so far
    unsigned mask = 0;
    int from = 0;
    std::uint64_t value = 0;
    std::uint64_t result = 0;
    site where;
  };
  struct warp_state {
    unsigned live = 0;
    unsigned pending = 0;
  };

  static void enter(void* self);
  void start(const launch_shape& shape, uint3 index);
  void make_ready(unsigned thread);
  void make_all_ready();
  unsigned next_thread();
  void suspend(waits kind, site where);
  void complete(unsigned warp);
  void finish(unsigned warp, unsigned lanes);
  [[noreturn]] void fail(const std::string& problem) const;

  std::vector<std::unique_ptr<thread_state>> threads_;
  std::array<warp_state, most_threads / 32> warps_{};
  std::array<unsigned, most_threads> ready_{};  // a ring: a thread stands in it at most once
  unsigned head_ = 0;
  unsigned tail_ = 0;
  unsigned count_ = 0;
  unsigned arrived_ = 0;
  unsigned ended_ = 0;
  int predicates_ = 0;
  int predicate_result_ = 0;
  thread_state* current_ = nullptr;
  const launch_shape* shape_ = nullptr;
  const std::function<void()>* body_ = nullptr;
  std::exception_ptr failure_;
  std::minstd_rand random_;
  shared_memory shared_;
  order_marks marks_;
};

/// Executes a grid, block after block.
void run_grid(const launch_shape& shape, const std::function<void()>& thread);

/// Throws `error` where a GPU would refuse the launch.
void validate(const launch_shape& shape);

/// Fiber switches of this thread's blocks so far.
std::uint64_t switches();

}  // namespace emulator
