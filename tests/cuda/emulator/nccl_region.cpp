#include <emulator/nccl_region.hpp>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <emulator/error.hpp>

namespace emulator::nccl {

struct region::header {
  std::atomic<std::uint32_t> made;
  std::uint32_t size;
  std::atomic<std::uint32_t> joined;
  std::atomic<std::uint32_t> aborted;
  rank_state ranks[most_ranks];
};

namespace {

constexpr std::size_t header_bytes = 4096;
constexpr std::size_t region_bytes = header_bytes + most_ranks * most_bytes;  // most is never used

}  // namespace

std::shared_ptr<region> region::open(const std::string& name, std::size_t rank, std::size_t size) {
  static_assert(sizeof(header) <= header_bytes);
  if (size > most_ranks) unsupported("NCCL of " + std::to_string(size) + " ranks");
  if (rank == 0) shm_unlink(name.c_str());  // of a run that was killed
  const int flags = rank == 0 ? O_RDWR | O_CREAT | O_EXCL : O_RDWR;
  const int file = shm_open(name.c_str(), flags, 0600);
  if (file < 0) return nullptr;
  struct stat found {};
  const bool long_enough = rank == 0 ? ftruncate(file, region_bytes) == 0
                                     : fstat(file, &found) == 0 && found.st_size == region_bytes;
  void* const start = long_enough ? mmap(nullptr, region_bytes, PROT_READ | PROT_WRITE,
                                         MAP_SHARED | MAP_NORESERVE, file, 0)
                                  : MAP_FAILED;
  close(file);
  if (start == MAP_FAILED) return nullptr;
  const std::shared_ptr<region> made(new region);
  made->header_ = static_cast<header*>(start);  // zeros
  if (rank == 0) {
    made->to_remove_ = name;
    made->header_->size = static_cast<std::uint32_t>(size);
    made->header_->made = 1;
  }
  return made->header_->made != 0 ? made : nullptr;
}

region::~region() {
  if (!to_remove_.empty()) shm_unlink(to_remove_.c_str());
  munmap(header_, region_bytes);
}

region::rank_state& region::of(std::size_t rank) const {
  return header_->ranks[rank];
}
std::byte* region::data(std::size_t rank) const {
  return reinterpret_cast<std::byte*>(header_) + header_bytes + rank * most_bytes;
}
std::size_t region::size() const {
  return header_->size;
}
void region::join(std::size_t rank, int device) {
  of(rank).device = device;
  ++header_->joined;
}
bool region::all_joined() const {
  return header_->joined == header_->size;
}
void region::abort() {
  header_->aborted = 1;
}
bool region::aborted() const {
  return header_->aborted != 0;
}

}  // namespace emulator::nccl
