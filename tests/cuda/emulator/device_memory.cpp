#include <emulator/device_memory.hpp>

#include <csignal>
#include <cstring>
#include <map>
#include <mutex>
#include <new>

#include <sys/mman.h>
#include <unistd.h>

#include <emulator/error.hpp>
#include <emulator/options.hpp>
#include <emulator/sanitizer.hpp>

namespace emulator {
namespace {

constexpr std::size_t arena_bytes = std::size_t(64) << 30;  // of addresses, not of memory
constexpr std::size_t unit = 256;
constexpr int not_a_number = 0xff;
constexpr std::size_t filled_end = std::size_t(1) << 20;

struct arena {
  std::recursive_mutex lock;
  char* start = nullptr;
  std::size_t high = 0;                   // all that was ever given lies below
  std::map<char*, std::size_t> live;      // bytes that were asked for
  std::map<char*, std::size_t> released;  // bytes with the red zone, multiples of the unit
  std::size_t used = 0;
  int accesses = 0;
};

char* arena_start = nullptr;  // for the signal's handler
struct sigaction previous_action;

/// Says what happened, then leaves the rest to whom the signal belonged to: a sanitizer, or nobody.
void on_fault(int, siginfo_t* info, void*) {
  const char* address = static_cast<const char*>(info->si_addr);
  if (address >= arena_start && address < arena_start + arena_bytes) {
    static constexpr char text[] =
        "emulator: the host touched device memory (or a kernel touched what no one allocated)\n";
    [[maybe_unused]] const auto written = write(STDERR_FILENO, text, sizeof text - 1);
  }
  sigaction(SIGSEGV, &previous_action, nullptr);  // returns to the instruction, which faults again
}

arena& memory() {
  static auto* one = [] {
    auto* made = new arena;
    void* range =
        mmap(nullptr, arena_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (range == MAP_FAILED) throw std::bad_alloc();
    arena_start = made->start = static_cast<char*>(range);
    struct sigaction action {};
    action.sa_sigaction = on_fault;
    action.sa_flags = SA_SIGINFO;
    sigaction(SIGSEGV, &action, &previous_action);
    return made;
  }();
  return *one;
}

/// With a red zone of at least a unit.
std::size_t rounded(std::size_t bytes) {
  return (bytes + unit - 1) / unit * unit + unit;
}

std::size_t pages(std::size_t bytes) {
  return (bytes + 4095) / 4096 * 4096;
}

void protect(arena& m, int rights) {
  if (m.high != 0 && mprotect(m.start, pages(m.high), rights) != 0) throw std::bad_alloc();
}

/// The whole pages of what is released, where they are many: to open memory takes as long as pages
/// are there.
void give_pages_back(char* start, std::size_t bytes) {
  if (bytes < filled_end) return;
  char* const first = arena_start + pages(static_cast<std::size_t>(start - arena_start));
  const auto whole = static_cast<std::size_t>(start + bytes - first) / 4096 * 4096;
  madvise(first, whole, MADV_DONTNEED);
}

char* place(arena& m, std::size_t bytes) {
  for (auto free = m.released.begin(); free != m.released.end(); ++free) {
    if (free->second < bytes) continue;
    const auto [start, room] = *free;
    m.released.erase(free);
    if (room > bytes) m.released.emplace(start + bytes, room - bytes);
    return start;
  }
  if (m.high + bytes > arena_bytes) return nullptr;
  char* const start = m.start + m.high;
  m.high += bytes;
  if (m.accesses > 0) protect(m, PROT_READ | PROT_WRITE);
  return start;
}

}  // namespace

void* device_memory::allocate(std::size_t bytes) {
  arena& m = memory();
  const std::scoped_lock hold(m.lock);
  if (bytes > option.device_memory || m.used + bytes > option.device_memory) return nullptr;
  char* const start = place(m, rounded(bytes));
  if (start == nullptr) return nullptr;
  m.live.emplace(start, bytes);
  m.used += bytes;
  grant(start);
  forbid(start + bytes, rounded(bytes) - bytes);
  return start;
}

bool device_memory::release(void* start) {
  arena& m = memory();
  const std::scoped_lock hold(m.lock);
  const auto found = m.live.find(static_cast<char*>(start));
  if (found == m.live.end()) return false;
  const std::size_t bytes = found->second;
  m.used -= bytes;
  m.live.erase(found);
  give_pages_back(static_cast<char*>(start), bytes);
  forbid(start, bytes);
  auto free = m.released.emplace(static_cast<char*>(start), rounded(bytes)).first;
  if (const auto next = std::next(free);
      next != m.released.end() && free->first + free->second == next->first) {
    free->second += next->second;
    m.released.erase(next);
  }
  if (free != m.released.begin()) {
    if (const auto before = std::prev(free); before->first + before->second == free->first) {
      before->second += free->second;
      m.released.erase(free);
    }
  }
  return true;
}

std::size_t device_memory::used() {
  return memory().used;
}
std::size_t device_memory::allocations() {
  return memory().live.size();
}

void device_memory::withhold(void* start) {
  arena& m = memory();
  const std::scoped_lock hold(m.lock);
  forbid(start, m.live.at(static_cast<char*>(start)));
}

void device_memory::grant(void* start) {
  arena& m = memory();
  const std::scoped_lock hold(m.lock);
  const access opened;
  const std::size_t bytes = m.live.at(static_cast<char*>(start));
  permit(start, bytes);
  // Of large ones the ends alone: pages that nobody uses are not to be made, nor opened each time.
  const std::size_t end = bytes <= 4 * filled_end ? bytes : filled_end;
  char* const tail = static_cast<char*>(start) + bytes - end;
  std::memset(start, not_a_number, end);
  std::memset(tail, not_a_number, end);
  unwritten(start, end);
  unwritten(tail, end);
}

void device_memory::open() {
  arena& m = memory();
  const std::scoped_lock hold(m.lock);
  if (m.accesses++ == 0) protect(m, PROT_READ | PROT_WRITE);
}

void device_memory::close() {
  arena& m = memory();
  const std::scoped_lock hold(m.lock);
  if (--m.accesses == 0) protect(m, PROT_NONE);
}

bool is_device_address(const void* address) {
  const auto* a = static_cast<const char*>(address);
  const arena& m = memory();
  return a >= m.start && a < m.start + arena_bytes;
}

bool within_device_allocation(const void* start, std::size_t bytes) {
  arena& m = memory();
  const std::scoped_lock hold(m.lock);
  auto* const a = static_cast<char*>(const_cast<void*>(start));
  auto found = m.live.upper_bound(a);
  if (found == m.live.begin()) return false;
  --found;
  return a + bytes <= found->first + found->second;
}

}  // namespace emulator
