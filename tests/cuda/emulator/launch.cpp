#include <emulator/launch.hpp>

#include <utility>

#include <emulator/error.hpp>
#include <emulator/failure.hpp>
#include <emulator/streams.hpp>

namespace emulator {

void launch(const launch_shape& shape, cudaStream_t stream, std::function<void()> thread) {
  validate(shape);
  enqueue(stream, [shape, thread = std::move(thread)] { run_grid(shape, thread); });
}

void* block_shared(const void* key, std::size_t bytes) {
  block& b = block::running();
  void* const object = b.shared().object(key, bytes);
  if (object == nullptr) throw error(b.describe("more than 48 KiB of static shared memory"));
  return object;
}

void* dynamic_shared() {
  block& b = block::running();
  void* const start = b.shared().dynamic();
  if (start == nullptr) {
    throw error(b.describe("the kernel uses dynamic shared memory, the launch gives it 0 bytes"));
  }
  return start;
}

}  // namespace emulator
