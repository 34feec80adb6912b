#pragma once

#include <cstddef>

namespace emulator {

enum class memory_kind { host, pinned, managed, device };

/// The device's memory: one range of addresses that nobody may touch, but for the time that
/// `access` lives. The host that does is stopped with a message. Fresh memory is NaN in every
/// floating type.
class device_memory {
 public:
  /// Opens it: for what a stream executes.
  class access {
   public:
    access() { open(); }
    ~access() { close(); }
    access(const access&) = delete;
    access& operator=(const access&) = delete;
  };

  /// 256-byte aligned; null where the device (`option.device_memory`) has not so much left.
  static void* allocate(std::size_t bytes);
  /// Whether `start` is what `allocate` gave and was not released.
  static bool release(void* start);
  /// Bytes that are allocated, and how many allocations.
  static std::size_t used();
  static std::size_t allocations();

  /// For stream-ordered allocation: addresses that may not be used yet, or no longer.
  static void withhold(void* start);
  static void grant(void* start);

 private:
  static void open();
  static void close();
};

/// Memory of the host that the device can use: managed or pinned.
void* allocate_shared(std::size_t bytes, memory_kind kind);
/// Tells of the host's memory that it is pinned, without owning it.
void register_pinned(void* start, std::size_t bytes);
bool release_shared(void* start, memory_kind kind);

/// Where an address points to; any that no other kind knows is the host's.
memory_kind kind_of(const void* address);
/// Whether all of [start, start + bytes) lies in one live allocation, or in the host's memory.
bool within_one(const void* start, std::size_t bytes);
/// Throws `error` unless the address is null or the device can use it.
void check_device_pointer(const void* address);

template <class T>
void check_argument(const T&) {}
template <class T>
void check_argument(T* address) {
  check_device_pointer(static_cast<const void*>(address));
}

}  // namespace emulator
