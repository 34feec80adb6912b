#pragma once

#include <array>
#include <cstddef>

#include <emulator/sanitizer.hpp>

namespace emulator {

/// What is ordered by what, for the thread sanitizer: the threads of a block at barriers, the lanes
/// of a warp at collectives, a grid after and before what the host does. Blocks are not ordered.
class order_marks {
 public:
  void begin_block() {
    current_ = (current_ + 1) % blocks_.size();
    release(&grid_begin_);
  }
  void begin_thread() { acquire(&grid_begin_); }
  void end_thread() { release(&grid_end_); }
  void* thread_end() { return &grid_end_; }
  void end_grid() { acquire(&grid_end_); }

  // `turn`: how many of them the thread had before, so that one who is ahead, at the next barrier
  // already, is not taken for one who came to this one.
  void arrive_at_barrier(unsigned turn) { release(&here().barriers[turn % 2]); }
  void leave_barrier(unsigned turn) { acquire(&here().barriers[turn % 2]); }
  void arrive_at_collective(unsigned warp, unsigned turn) {
    release(&here().warps[warp][turn % 2]);
  }
  void leave_collective(unsigned warp, unsigned turn) { acquire(&here().warps[warp][turn % 2]); }
  // Those of a part of a warp, which have no turn of the whole warp.
  void arrive_at_part(unsigned warp) { release(&here().warps[warp][2]); }
  void leave_part(unsigned warp) { acquire(&here().warps[warp][2]); }

 private:
  // The sanitizer looks at addresses: each of the latest blocks has its own.
  struct alignas(8) mark {
    char place[8];
  };
  struct block_marks {
    std::array<mark, 2> barriers;
    std::array<std::array<mark, 3>, 32> warps;
  };
  block_marks& here() { return blocks_[current_]; }
#if defined(PREFOPT_EMULATOR_TSAN)
  std::array<block_marks, 4096> blocks_{};
#else
  std::array<block_marks, 1> blocks_{};
#endif
  mark grid_begin_{};
  mark grid_end_{};
  std::size_t current_ = 0;
};

}  // namespace emulator
