#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include <cuda_runtime.h>

#include <emulator/nccl_region.hpp>

namespace emulator::nccl {

/// One rank's part of a collective, in two operations of a stream: it gives its numbers to the
/// others, and when all have, takes what is its.
struct collective {
  call what;
  const void* from;
  void* to;
  std::size_t rank;
  std::size_t size;
  std::shared_ptr<region> shared;

  [[nodiscard]] std::size_t given_bytes() const;
  [[nodiscard]] std::size_t taken_bytes() const;
  void post(std::uint64_t number) const;
  /// Throws `error` where another rank made another call.
  void collect(std::uint64_t number) const;
  [[nodiscard]] bool all_posted(std::uint64_t number) const;
  [[nodiscard]] bool all_collected(std::uint64_t number) const;
};

/// Why NCCL would refuse it; empty if it would not.
std::string objection(const collective& c, cudaStream_t stream, int device);

}  // namespace emulator::nccl
