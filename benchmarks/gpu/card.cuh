#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include <cuda_runtime.h>

#include <prefopt/backend/cuda/check.cuh>
#include <prefopt/backend/cuda/product_kind.cuh>

namespace prefopt::benchmarks {

/// What the current device could do at best.
struct card {
  std::string name;
  double memory = 0;     // bytes
  double bandwidth = 0;  // bytes a second
  double float32 = 0;    // operations a second; products of that kind
  double bfloat16 = 0;   // 0: not known

  card() {
    gpu::check(cudaGetDevice(&device_), "cudaGetDevice");
    cudaDeviceProp properties{};
    gpu::check(cudaGetDeviceProperties(&properties, device_), "cudaGetDeviceProperties");
    name = properties.name;
    memory = static_cast<double>(properties.totalGlobalMem);
    // kHz, of memory that moves twice a cycle; bits.
    bandwidth = 2e3 * attribute(cudaDevAttrMemoryClockRate) *
                attribute(cudaDevAttrGlobalMemoryBusWidth) / 8;
    const double cycles = 1e3 * attribute(cudaDevAttrClockRate) * properties.multiProcessorCount;
    // Of each multiprocessor and cycle, from NVIDIA's white papers on GA100 and GH100.
    if (properties.major == 8 && properties.minor == 0) {
      float32 = 2 * 64 * cycles;
      bfloat16 = 2 * 1024 * cycles;
    } else if (properties.major == 9 && properties.minor == 0) {
      float32 = 2 * 128 * cycles;
      bfloat16 = 2 * 2048 * cycles;
    }
  }
  [[nodiscard]] double peak(product_kind kind) const {
    if (kind == product_kind::float32) return float32;
    return kind == product_kind::tf32 ? bfloat16 / 2 : bfloat16;
  }

 private:
  [[nodiscard]] int attribute(cudaDeviceAttr which) const {
    int value = 0;
    gpu::check(cudaDeviceGetAttribute(&value, which, device_), "cudaDeviceGetAttribute");
    return value;
  }
  int device_ = 0;
};

inline double as_double(std::size_t n) {
  return static_cast<double>(n);
}

/// Mean of the rounds by the wall clock, from the device at rest to the device at rest, after one
/// round that takes memory and chooses algorithms.
template <class Run>
double seconds_of(std::size_t rounds, const Run& run) {
  const auto rest = [] { gpu::check(cudaDeviceSynchronize(), "cudaDeviceSynchronize"); };
  run();
  rest();
  const auto began = std::chrono::steady_clock::now();
  for (std::size_t i = 0; i < rounds; ++i) run();
  rest();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  return took.count() / as_double(rounds);
}

}  // namespace prefopt::benchmarks
