#include <emulator/shared_memory.hpp>

#include <algorithm>
#include <cstring>
#include <new>

#include <sys/mman.h>

#include <emulator/sanitizer.hpp>

namespace emulator {
namespace {

constexpr std::size_t arena_bytes = 512 * 1024;
constexpr std::size_t static_limit = 48 * 1024;  // ptxas's
constexpr int not_a_number = 0xff;
constexpr char red = 0x5a;

}  // namespace

shared_memory::shared_memory() {
  void* memory = mmap(nullptr, arena_bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  arena_ = static_cast<char*>(memory);
  forbid(arena_, arena_bytes);
}

shared_memory::~shared_memory() {
  permit(arena_, arena_bytes);
  munmap(arena_, arena_bytes);
}

void shared_memory::reset(std::size_t dynamic_bytes) {
  if (next_ != nullptr) forbid(arena_, static_cast<std::size_t>(next_ - arena_));
  renew(arena_, arena_bytes);
  next_ = arena_;
  object_count_ = 0;
  zone_count_ = 0;
  static_bytes_ = 0;
  take(0);  // a red zone below the first object
  dynamic_ = dynamic_bytes == 0 ? nullptr : take(dynamic_bytes);
}

char* shared_memory::take(std::size_t bytes) {
  char* const start = next_;
  // 64 to 191 bytes of red zone after it, so that the next object is aligned.
  next_ += (bytes + 64 + 127) / 128 * 128;
  const zone after{start + bytes, static_cast<std::size_t>(next_ - start) - bytes};
  const unseen_writes unseen;
  permit(start, bytes + after.bytes);
  std::memset(start, not_a_number, bytes);
  unwritten(start, bytes);
  std::memset(after.start, red, after.bytes);
  forbid(after.start, after.bytes);
  zones_[zone_count_++] = after;
  return start;
}

void* shared_memory::object(const void* key, std::size_t bytes) {
  for (std::size_t i = 0; i < object_count_; ++i) {
    if (objects_[i].key == key) return objects_[i].start;
  }
  if (static_bytes_ + bytes > static_limit || object_count_ == objects_.size()) return nullptr;
  static_bytes_ += bytes;
  char* const start = take(bytes);
  objects_[object_count_++] = {key, start};
  return start;
}

bool shared_memory::intact() const {
#if defined(PREFOPT_ADDRESS_SANITIZER)
  return true;  // a write would have been reported
#else
  return std::all_of(
      zones_.begin(), zones_.begin() + static_cast<std::ptrdiff_t>(zone_count_), [](const zone& z) {
        return std::all_of(z.start, z.start + z.bytes, [](char c) { return c == red; });
      });
#endif
}

}  // namespace emulator
