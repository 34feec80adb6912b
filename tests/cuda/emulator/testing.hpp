#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <cuda_runtime.h>

#include <emulator/device_memory.hpp>
#include <emulator/failure.hpp>
#include <emulator/options.hpp>
#include <emulator/streams.hpp>

// What tests of kernels and of the emulator share.
namespace emulator {

/// The emulator's options as they were, at the end of the scope.
class keep_options {
 public:
  keep_options() = default;
  ~keep_options() { option = before_; }
  keep_options(const keep_options&) = delete;
  keep_options& operator=(const keep_options&) = delete;

 private:
  options before_ = option;
};

/// Runs `test` for every order of threads and of streams.
inline void in_every_order(const std::function<void()>& test) {
  const keep_options kept;
  for (const auto threads : {thread_order::forward, thread_order::reverse, thread_order::random}) {
    for (const auto streams :
         {stream_order::lazy, stream_order::others_first, stream_order::random}) {
      SCOPED_TRACE("threads " + std::to_string(static_cast<int>(threads)) + ", streams " +
                   std::to_string(static_cast<int>(streams)));
      option.threads = threads;
      option.streams = streams;
      test();
    }
  }
}

/// Numbers in the device's memory.
template <class T>
class device_vector {
 public:
  explicit device_vector(std::size_t size) : size_(size) {
    void* start = nullptr;
    EXPECT_EQ(cudaMalloc(&start, size * sizeof(T)), cudaSuccess);
    data_ = static_cast<T*>(start);
  }
  explicit device_vector(const std::vector<T>& values) : device_vector(values.size()) {
    EXPECT_EQ(cudaMemcpy(data_, values.data(), size_ * sizeof(T), cudaMemcpyHostToDevice),
              cudaSuccess);
  }
  ~device_vector() { cudaFree(data_); }
  device_vector(const device_vector&) = delete;
  device_vector& operator=(const device_vector&) = delete;

  [[nodiscard]] T* data() const { return data_; }
  [[nodiscard]] std::size_t size() const { return size_; }
  /// Waits for the whole device.
  [[nodiscard]] std::vector<T> read() const {
    std::vector<T> host(size_);
    EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
    EXPECT_EQ(cudaMemcpy(host.data(), data_, size_ * sizeof(T), cudaMemcpyDeviceToHost),
              cudaSuccess);
    return host;
  }

 private:
  T* data_ = nullptr;
  std::size_t size_ = 0;
};

/// Executes all that is queued: what went wrong, or nothing. The emulator is as new afterwards.
inline std::string problem_of_the_device() {
  std::string found;
  if (cudaDeviceSynchronize() != cudaSuccess) found = cudaGetErrorString(cudaErrorLaunchFailure);
  recover();
  return found;
}

}  // namespace emulator
