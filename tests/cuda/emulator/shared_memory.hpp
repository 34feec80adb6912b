#pragma once

#include <array>
#include <cstddef>
#include <vector>

namespace emulator {

/// The shared memory of one block: an arena in which red zones lie around each object. What is in
/// it at first is NaN in every floating type. Reads and writes outside an object are found by the
/// address sanitizer where they happen, writes without it when the block ends.
class shared_memory {
 public:
  shared_memory();
  ~shared_memory();
  shared_memory(const shared_memory&) = delete;
  shared_memory& operator=(const shared_memory&) = delete;

  /// For a new block, with so many bytes of dynamic memory.
  void reset(std::size_t dynamic_bytes);

  /// The static object that `key` stands for; made where the block has it not yet. Null where the
  /// block's static memory is used up.
  void* object(const void* key, std::size_t bytes);
  /// Null where the launch asked for none.
  [[nodiscard]] void* dynamic() const { return dynamic_; }

  [[nodiscard]] std::size_t static_bytes() const { return static_bytes_; }
  /// Whether no red zone was written to.
  [[nodiscard]] bool intact() const;

 private:
  struct entry {
    const void* key;
    char* start;
  };
  struct zone {
    char* start;
    std::size_t bytes;
  };
  char* take(std::size_t bytes);

  char* arena_;
  char* next_ = nullptr;
  std::array<entry, 64> objects_{};
  std::size_t object_count_ = 0;
  std::array<zone, 66> zones_{};
  std::size_t zone_count_ = 0;
  char* dynamic_ = nullptr;
  std::size_t static_bytes_ = 0;
};

}  // namespace emulator
