#pragma once

#include <array>
#include <cstddef>

#include <cuda_runtime.h>

#include <prefopt/core/nccl_place.hpp>

namespace prefopt::detail {

/// Two buffers of the current device, through which pieces of an array pass that lies anywhere: one
/// is emptied and filled again while NCCL works on the other.
class nccl_staging {
 public:
  /// A buffer, and the stream of the copies to it and from it.
  struct lane {
    std::byte* buffer = nullptr;
    cudaStream_t copies = nullptr;
    cudaEvent_t filled = nullptr;
    cudaEvent_t summed = nullptr;

    /// Either address may be of the buffer; the other is of any memory.
    void copy(void* to, const void* from, std::size_t bytes) const {
      if (bytes == 0) return;
      check_runtime(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDefault, copies), "cudaMemcpyAsync");
    }
  };

  /// Buffers of so many bytes, zeros at first: what a piece leaves out is added up too, and nobody
  /// looks at it.
  explicit nccl_staging(std::size_t bytes) : nccl_staging(bytes, tag{}) {
    // The object is whole already: an error here lets the destructor clean up.
    check_runtime(cudaGetDevice(&device_), "cudaGetDevice");
    make(sums_);
    for (lane& l : lanes_) {
      make(l.copies);
      void* start = nullptr;
      check_runtime(cudaMalloc(&start, bytes), "cudaMalloc");
      l.buffer = static_cast<std::byte*>(start);
      for (cudaEvent_t* event : {&l.filled, &l.summed}) {
        check_runtime(cudaEventCreateWithFlags(event, cudaEventDisableTiming),
                      "cudaEventCreateWithFlags");
      }
      check_runtime(cudaMemsetAsync(l.buffer, 0, bytes, l.copies), "cudaMemsetAsync");
    }
  }
  nccl_staging(const nccl_staging&) = delete;
  nccl_staging& operator=(const nccl_staging&) = delete;
  ~nccl_staging() {
    for (const lane& l : lanes_) {
      for (cudaEvent_t event : {l.filled, l.summed}) {
        if (event != nullptr) (void)cudaEventDestroy(event);
      }
      if (l.copies != nullptr) (void)cudaStreamDestroy(l.copies);
      (void)cudaFree(l.buffer);
    }
    if (sums_ != nullptr) (void)cudaStreamDestroy(sums_);
  }

  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  /// For a thread other than the one that made the object.
  void use_device() const { check_runtime(cudaSetDevice(device_), "cudaSetDevice"); }
  /// NCCL's.
  [[nodiscard]] cudaStream_t stream() const { return sums_; }

  /// For every piece: fill(lane, number) and empty(lane, number) copy to and from the buffer,
  /// exchange(lane, number) has NCCL work on it in `stream`. wait(is_over) returns when is_over()
  /// is true, or throws. All copies have ended on return.
  template <class Fill, class Exchange, class Empty, class Wait>
  void pass(std::size_t pieces, Fill&& fill, Exchange&& exchange, Empty&& empty, Wait&& wait) {
    for (std::size_t i = 0; i <= pieces; ++i) {
      if (i < pieces) {
        const lane& l = lanes_[i % 2];
        fill(l, i);
        check_runtime(cudaEventRecord(l.filled, l.copies), "cudaEventRecord");
        check_runtime(cudaStreamWaitEvent(sums_, l.filled, 0), "cudaStreamWaitEvent");
        exchange(l, i);
        check_runtime(cudaEventRecord(l.summed, sums_), "cudaEventRecord");
      }
      if (i > 0) {
        const lane& l = lanes_[(i - 1) % 2];
        // Not left to the stream: a copy to the host's memory would wait without end for a dead
        // rank.
        wait([&] { return is_over(l.summed); });
        empty(l, i - 1);
      }
    }
    for (const lane& l : lanes_) {
      check_runtime(cudaStreamSynchronize(l.copies), "cudaStreamSynchronize");
    }
  }

 private:
  struct tag {};
  nccl_staging(std::size_t bytes, tag) : bytes_(bytes) {}

  static void make(cudaStream_t& stream) {
    check_runtime(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking),
                  "cudaStreamCreateWithFlags");
  }

  static bool is_over(cudaEvent_t event) {
    const cudaError_t status = cudaEventQuery(event);
    if (status != cudaErrorNotReady) check_runtime(status, "cudaEventQuery");
    (void)cudaGetLastError();  // which may say that it is not ready
    return status == cudaSuccess;
  }

  std::size_t bytes_;
  int device_ = 0;
  cudaStream_t sums_ = nullptr;
  std::array<lane, 2> lanes_{};
};

}  // namespace prefopt::detail
