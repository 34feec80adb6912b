#include <cstdint>
#include <string>

#include <emulator/block.hpp>
#include <emulator/error.hpp>
#include <emulator/index.hpp>
#include <emulator/kernel_name.hpp>
#include <emulator/options.hpp>

namespace emulator {
namespace {

std::string shape_of(dim3 d) {
  return std::to_string(d.x) + " x " + std::to_string(d.y) + " x " + std::to_string(d.z);
}

}  // namespace

void validate(const launch_shape& shape) {
  const auto& [grid, block, shared_bytes, kernel] = shape;
  const std::uint64_t threads = std::uint64_t(block.x) * block.y * block.z;
  const auto refuse = [&](const std::string& problem) {
    throw error("launch of " + kernel_name(kernel) + ": " + problem);
  };
  if (threads == 0 || threads > 1024 || block.x > 1024 || block.y > 1024 || block.z > 64) {
    refuse("a block of " + shape_of(block) + " threads");
  }
  if (grid.x == 0 || grid.y == 0 || grid.z == 0 || grid.x > 0x7fffffff || grid.y > 65535 ||
      grid.z > 65535) {
    refuse("a grid of " + shape_of(grid) + " blocks");
  }
  if (shared_bytes > option.shared_per_block) {
    refuse(std::to_string(shared_bytes) + " bytes of shared memory");
  }
}

void run_grid(const launch_shape& shape, const std::function<void()>& thread) {
  thread_local block machine;
  gridDim = {shape.grid.x, shape.grid.y, shape.grid.z};
  blockDim = {shape.block.x, shape.block.y, shape.block.z};
  const std::uint64_t plane = std::uint64_t(shape.grid.x) * shape.grid.y;
  const std::uint64_t blocks = plane * shape.grid.z;
  for (std::uint64_t i = 0; i < blocks; ++i) {
    // Blocks have no order: the last goes first, but where everything goes forward.
    const std::uint64_t b = option.threads == thread_order::forward ? i : blocks - 1 - i;
    const uint3 index{static_cast<unsigned>(b % shape.grid.x),
                      static_cast<unsigned>(b / shape.grid.x % shape.grid.y),
                      static_cast<unsigned>(b / plane)};
    try {
      machine.run(shape, index, thread);
    } catch (...) {
      machine.end_grid();
      throw;
    }
  }
  machine.end_grid();
}

}  // namespace emulator
