#pragma once

#include <cstddef>
#include <cstdio>
#include <string>
#include <utility>

#include <cublasLt.h>
#include <cuda_runtime.h>

#include <prefopt/core/error.hpp>

namespace prefopt {

/// A call of the CUDA runtime or of one of its libraries that failed. The message names the call
/// and what CUDA says. After some of them (an illegal address in a kernel) the device can no longer
/// be used by this process.
class cuda_error : public error {
 public:
  cuda_error(std::string call, const std::string& problem)
      : error(call + ": " + problem), call_(std::move(call)) {}

  [[nodiscard]] const std::string& call() const noexcept { return call_; }

 private:
  std::string call_;
};

/// The device has not the memory that was asked for.
class cuda_out_of_memory : public cuda_error {
 public:
  /// Bytes that were asked for, those that prefopt holds already, and the device's.
  cuda_out_of_memory(std::string call, std::size_t asked, std::size_t held, std::size_t free,
                     std::size_t total)
      : cuda_error(std::move(call),
                   "out of device memory: " + mebibytes(asked) + " asked for, " + mebibytes(held) +
                       " held by prefopt, " + mebibytes(free) + " free of " + mebibytes(total) +
                       "; lower the number of pairs a step or the longest length, or train with "
                       "LoRA, bf16 or activation checkpointing"),
        asked_(asked),
        held_(held) {}

  [[nodiscard]] std::size_t asked() const noexcept { return asked_; }
  [[nodiscard]] std::size_t held() const noexcept { return held_; }

 private:
  static std::string mebibytes(std::size_t bytes) {
    char text[32];
    std::snprintf(text, sizeof text, "%.1f MiB", static_cast<double>(bytes) / (1024.0 * 1024.0));
    return text;
  }

  std::size_t asked_;
  std::size_t held_;
};

namespace gpu {

/// Throws `cuda_error` unless the call named `call` succeeded:
/// `check(cudaStreamSynchronize(stream), "cudaStreamSynchronize")`.
inline void check(cudaError_t status, const char* call) {
  if (status == cudaSuccess) return;
  throw cuda_error(call,
                   std::string(cudaGetErrorString(status)) + " (" + cudaGetErrorName(status) + ")");
}

inline void check(cublasStatus_t status, const char* call) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  throw cuda_error(call, std::string(cublasLtGetStatusString(status)) + " (" +
                             cublasLtGetStatusName(status) + ")");
}

/// Like `check`, for a call that allocates `asked` bytes where `held` are held already.
inline void check_allocation(cudaError_t status, const char* call, std::size_t asked,
                             std::size_t held) {
  if (status != cudaErrorMemoryAllocation) return check(status, call);
  (void)cudaGetLastError();  // or the next call would report it
  std::size_t free = 0;
  std::size_t total = 0;
  if (cudaMemGetInfo(&free, &total) != cudaSuccess) free = total = 0;
  throw cuda_out_of_memory(call, asked, held, free, total);
}

/// Like `check`, for a launch: the message has its shape too, which is what can be wrong.
inline void check_launch(cudaError_t status, const void* kernel, dim3 grid, dim3 block,
                         std::size_t shared_bytes) {
  if (status == cudaSuccess) return;
  const char* name = nullptr;
  if (cudaFuncGetName(&name, kernel) != cudaSuccess || name == nullptr) name = "a kernel";
  const auto shape = [](dim3 d) {
    return std::to_string(d.x) + " x " + std::to_string(d.y) + " x " + std::to_string(d.z);
  };
  throw cuda_error(std::string("launch of ") + name,
                   std::string(cudaGetErrorString(status)) + " (grid " + shape(grid) + ", block " +
                       shape(block) + ", " + std::to_string(shared_bytes) +
                       " bytes of shared memory)");
}

}  // namespace gpu
}  // namespace prefopt
