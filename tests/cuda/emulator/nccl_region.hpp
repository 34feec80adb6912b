#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace emulator::nccl {

inline constexpr std::size_t most_ranks = 8;
inline constexpr std::size_t most_bytes = std::size_t(80) << 20;  // that a rank gives to one call

/// What a rank calls, of which all ranks' must be the same.
struct call {
  const char* name() const;
  std::string to_text() const;
  bool operator==(const call&) const = default;

  enum kind_of_call : std::int32_t { reduce_scatter, all_gather, broadcast } kind;
  std::int32_t type;  // of NCCL
  std::int32_t root;
  std::uint64_t count;
};

/// Memory that ranks share, whether they are threads or processes.
class region {
 public:
  /// The region of that name, which rank 0 makes; null while it has not.
  static std::shared_ptr<region> open(const std::string& name, std::size_t rank, std::size_t size);
  ~region();
  region(const region&) = delete;
  region& operator=(const region&) = delete;

  /// What a rank shows to the others. Calls are counted from 1: `posted` is the last one whose
  /// numbers lie in `data`, `collected` the last one of which this rank needs no others' any more.
  struct rank_state {
    std::atomic<std::uint64_t> posted;
    std::atomic<std::uint64_t> collected;
    std::int32_t device;
    call now;
  };
  rank_state& of(std::size_t rank) const;
  std::byte* data(std::size_t rank) const;
  /// How many ranks the first one expects.
  std::size_t size() const;
  void join(std::size_t rank, int device);
  bool all_joined() const;
  void abort();
  bool aborted() const;

 private:
  struct header;
  region() = default;
  header* header_ = nullptr;
  std::string to_remove_;  // rank 0's, until all have joined
};

}  // namespace emulator::nccl
