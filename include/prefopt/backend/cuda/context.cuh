#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>

#include <cublasLt.h>
#include <cuda_runtime.h>

#include <prefopt/backend/cuda/check.cuh>
#include <prefopt/core/error.hpp>

namespace prefopt::gpu {

/// What the process has of its device: one stream, in which everything happens in the order of the
/// calls, a handle and workspace of cuBLASLt, and the device's memory. Made at the first use, for
/// the device that is current then (`cudaSetDevice` before chooses another), and never destroyed:
/// arrays of any lifetime give their memory back to it. One thread at a time may use it.
class context {
 public:
  static context& current() {
    static context* const one = new context;
    thread_local const bool bound = one->bind();  // every host thread has a current device
    (void)bound;
    return *one;
  }

  context(const context&) = delete;
  context& operator=(const context&) = delete;

  [[nodiscard]] int device() const { return device_; }
  [[nodiscard]] cudaStream_t stream() const { return stream_; }
  [[nodiscard]] int multiprocessors() const { return multiprocessors_; }

  /// Waits until all that was asked for has happened: then the host may look at managed memory.
  void synchronize() const { check(cudaStreamSynchronize(stream_), "cudaStreamSynchronize"); }

  /// Memory of the device, in the order of the stream: from a pool that keeps what is given back,
  /// so that a step like the one before asks nothing of the driver. Not initialised.
  [[nodiscard]] void* allocate(std::size_t bytes) {
    if (bytes == 0) return nullptr;
    void* memory = nullptr;
    check_allocation(cudaMallocAsync(&memory, bytes, stream_), "cudaMallocAsync", bytes, held());
    held_ += bytes;
    return memory;
  }
  void release(void* memory, std::size_t bytes) noexcept {
    if (memory == nullptr) return;
    (void)cudaFreeAsync(memory, stream_);  // it fails only where an earlier call has failed
    held_ -= bytes;
  }

  /// Memory that the host may use too, while the device does nothing (see `synchronize`).
  [[nodiscard]] void* allocate_managed(std::size_t bytes) {
    if (bytes == 0) return nullptr;
    void* memory = nullptr;
    check_allocation(cudaMallocManaged(&memory, bytes, cudaMemAttachGlobal), "cudaMallocManaged",
                     bytes, held());
    held_ += bytes;
    return memory;
  }
  void release_managed(void* memory, std::size_t bytes) noexcept {
    if (memory == nullptr) return;
    (void)cudaStreamSynchronize(stream_);
    (void)cudaFree(memory);
    held_ -= bytes;
  }

  /// Bytes of the device that prefopt's arrays have.
  [[nodiscard]] std::size_t held() const { return held_; }

  void clear(void* memory, std::size_t bytes) const {
    if (bytes == 0) return;
    check(cudaMemsetAsync(memory, 0, bytes, stream_), "cudaMemsetAsync");
  }
  /// Within the device; the places do not overlap.
  void copy(void* to, const void* from, std::size_t bytes) const {
    if (bytes == 0) return;
    check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, stream_), "cudaMemcpyAsync");
  }
  /// From the device to the host; the host has it on return.
  void read(void* to, const void* from, std::size_t bytes) const {
    if (bytes == 0) return;
    check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, stream_), "cudaMemcpyAsync");
    synchronize();
  }
  /// From the host to the device. The host's memory may change at once: little goes through pinned
  /// memory, without waiting for the device.
  void write(void* to, const void* from, std::size_t bytes) {
    if (bytes == 0) return;
    const bool staged = bytes <= staging_half::bytes;
    const void* source = from;
    if (staged) {
      void* const place = stage(bytes);
      std::memcpy(place, from, bytes);
      source = place;
    }
    check(cudaMemcpyAsync(to, source, bytes, cudaMemcpyHostToDevice, stream_), "cudaMemcpyAsync");
    if (!staged) synchronize();
  }

  [[nodiscard]] cublasLtHandle_t blas() const { return blas_; }
  static constexpr std::size_t workspace_bytes = std::size_t{32} << 20U;
  [[nodiscard]] void* workspace() {
    if (workspace_ == nullptr) workspace_ = allocate(workspace_bytes);
    return workspace_;
  }

 private:
  /// Half of the pinned memory that uploads pass through, and when the device has read it.
  struct staging_half {
    static constexpr std::size_t bytes = std::size_t{1} << 20U;
    std::byte* start = nullptr;
    cudaEvent_t read = nullptr;
  };

  context() {
    check(cudaGetDevice(&device_), "cudaGetDevice");
    check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "cudaStreamCreateWithFlags");
    check(cudaDeviceGetAttribute(&multiprocessors_, cudaDevAttrMultiProcessorCount, device_),
          "cudaDeviceGetAttribute(MultiProcessorCount)");
    cudaMemPool_t pool = nullptr;
    check(cudaDeviceGetDefaultMemPool(&pool, device_), "cudaDeviceGetDefaultMemPool");
    std::uint64_t keep = std::numeric_limits<std::uint64_t>::max();
    check(cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &keep),
          "cudaMemPoolSetAttribute(ReleaseThreshold)");
    for (staging_half& half : staging_) {
      void* start = nullptr;
      check_allocation(cudaMallocHost(&start, staging_half::bytes), "cudaMallocHost",
                       staging_half::bytes, 0);
      half.start = static_cast<std::byte*>(start);
      check(cudaEventCreateWithFlags(&half.read, cudaEventDisableTiming),
            "cudaEventCreateWithFlags");
    }
    check(cublasLtCreate(&blas_), "cublasLtCreate");
  }

  bool bind() const {
    check(cudaSetDevice(device_), "cudaSetDevice");
    return true;
  }

  /// Pinned memory to be read by the next copy of the stream.
  void* stage(std::size_t bytes) {
    constexpr std::size_t alignment = 16;
    if (staged_ + bytes > staging_half::bytes) {
      check(cudaEventRecord(staging_[current_].read, stream_), "cudaEventRecord");
      current_ = 1 - current_;
      staged_ = 0;
      check(cudaEventSynchronize(staging_[current_].read), "cudaEventSynchronize");
    }
    void* const place = staging_[current_].start + staged_;
    staged_ += (bytes + alignment - 1) / alignment * alignment;
    return place;
  }

  int device_ = 0;
  int multiprocessors_ = 1;
  cudaStream_t stream_ = nullptr;
  cublasLtHandle_t blas_ = nullptr;
  void* workspace_ = nullptr;
  std::atomic<std::size_t> held_ = 0;
  std::array<staging_half, 2> staging_{};
  std::size_t current_ = 0;
  std::size_t staged_ = 0;  // bytes of the current half
};

}  // namespace prefopt::gpu
