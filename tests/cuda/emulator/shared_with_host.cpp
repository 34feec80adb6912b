#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>

#include <emulator/device_memory.hpp>
#include <emulator/error.hpp>
#include <emulator/sanitizer.hpp>

namespace emulator {

bool is_device_address(const void* address);
bool within_device_allocation(const void* start, std::size_t bytes);

namespace {

struct area {
  std::size_t bytes;
  memory_kind kind;
  bool owned;
};

struct area_table {
  std::mutex lock;
  std::map<const char*, area> areas;

  const std::pair<const char* const, area>* find(const void* address) const {
    const auto* a = static_cast<const char*>(address);
    auto found = areas.upper_bound(a);
    if (found == areas.begin()) return nullptr;
    --found;
    return a < found->first + found->second.bytes ? &*found : nullptr;
  }
};

area_table& table() {
  static auto* one = new area_table;
  return *one;
}

}  // namespace

void* allocate_shared(std::size_t bytes, memory_kind kind) {
  void* const start = std::malloc(bytes == 0 ? 1 : bytes);  // so that a sanitizer knows its ends
  if (start == nullptr) return nullptr;
  std::memset(start, 0xff, bytes);
  unwritten(start, bytes);
  const std::scoped_lock hold(table().lock);
  table().areas.insert_or_assign(static_cast<const char*>(start), area{bytes, kind, true});
  return start;
}

void register_pinned(void* start, std::size_t bytes) {
  const std::scoped_lock hold(table().lock);
  table().areas.insert_or_assign(static_cast<const char*>(start),
                                 area{bytes, memory_kind::pinned, false});
}

bool release_shared(void* start, memory_kind kind) {
  const std::scoped_lock hold(table().lock);
  const auto found = table().areas.find(static_cast<const char*>(start));
  if (found == table().areas.end() || found->second.kind != kind) return false;
  if (found->second.owned) {
    written(start, found->second.bytes);
    std::free(start);
  }
  table().areas.erase(found);
  return true;
}

memory_kind kind_of(const void* address) {
  if (is_device_address(address)) return memory_kind::device;
  const std::scoped_lock hold(table().lock);
  const auto* found = table().find(address);
  return found == nullptr ? memory_kind::host : found->second.kind;
}

bool within_one(const void* start, std::size_t bytes) {
  if (is_device_address(start)) return within_device_allocation(start, bytes);
  const std::scoped_lock hold(table().lock);
  const auto* found = table().find(start);
  const auto* a = static_cast<const char*>(start);
  return found == nullptr || a + bytes <= found->first + found->second.bytes;
}

void check_device_pointer(const void* address) {
  if (address == nullptr || kind_of(address) != memory_kind::host) return;
  throw error("an argument of a kernel points to the host's memory");
}

}  // namespace emulator
