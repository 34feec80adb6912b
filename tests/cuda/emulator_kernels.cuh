#pragma once

#include <prefopt/backend/cuda/device.cuh>

// Kernels of the emulator's own tests: right ones, and wrong ones of every kind that it finds.
namespace prefopt::gpu::test {

/// y = x in reverse, by one block.
template <bool Barrier>
__global__ void reverse(const float* x, float* y) {
  auto& held = block_shared<float[256]>();
  held[threadIdx.x] = x[threadIdx.x];
  if constexpr (Barrier) __syncthreads();
  y[threadIdx.x] = held[blockDim.x - 1 - threadIdx.x];
}

/// y = the sum of the values of the other warps' first threads, twice, in the same shared memory.
template <bool Barrier>
__global__ void sum_twice(const float* x, float* y) {
  auto& part = block_shared<float[32], 1>();
  float total = 0;
  for (int round = 0; round < 2; ++round) {
    if (threadIdx.x % 32 == 0) {
      part[threadIdx.x / 32] = x[threadIdx.x] * static_cast<float>(round + 1);
    }
    __syncthreads();
    for (unsigned w = 0; w < blockDim.x / 32; ++w) total += part[w];
    if constexpr (Barrier) __syncthreads();  // or the next round overwrites what others still read
  }
  y[threadIdx.x] = total;
}

/// y: for each thread, what each of the warp's functions gives of its x.
template <int = 0>
__global__ void warp_results(const int* x, int* y) {
  const unsigned all = 0xffffffffu;
  const int value = x[threadIdx.x];
  int* row = y + 10 * threadIdx.x;
  row[0] = __shfl_sync(all, value, 3);
  row[1] = __shfl_sync(all, value, 3, 8);
  row[2] = __shfl_up_sync(all, value, 1);
  row[3] = __shfl_down_sync(all, value, 2, 16);
  row[4] = __shfl_xor_sync(all, value, 5);
  row[5] = static_cast<int>(__ballot_sync(all, value % 3 == 0));
  row[6] = __any_sync(all, value == 17) * 2 + __all_sync(all, value >= 0);
  row[7] = __reduce_add_sync(all, value);
  row[8] = __reduce_max_sync(all, -value);
  // Halves of a warp by themselves.
  const unsigned half = threadIdx.x % 32 < 16 ? 0xffffu : 0xffff0000u;
  row[9] = __shfl_sync(half, value, threadIdx.x % 32 < 16 ? 15 : 16);
}

/// Counts threads with a positive x in *count, and their sum in *sum.
template <int = 0>
__global__ void count_positive(const float* x, int n, int* count, float* sum) {
  const auto i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  const float value = i < n ? x[i] : 0.0f;
  const int here = __syncthreads_count(value > 0);
  if (threadIdx.x == 0) atomicAdd(count, here);
  if (value > 0) atomicAdd(sum, value);
}

template <bool Atomic>
__global__ void count_blocks(float* count) {
  if (threadIdx.x != 0) return;
  if constexpr (Atomic) {
    atomicAdd(count, 1.0f);
  } else {
    *count += 1.0f;
  }
}

template <int = 0>
__global__ void add_one(float* x, int n) {
  const auto i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < n) x[i] += 1;
}

template <int = 0>
__global__ void twice(const float* x, float* y, int n) {
  const auto i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < n) y[i] = 2 * x[i];
}

// What is wrong in these is what their names say.

template <int = 0>
__global__ void barrier_of_some(float* x) {
  x[threadIdx.x] = 1;
  if (threadIdx.x < 40) __syncthreads();
}
template <int = 0>
__global__ void barrier_after_exit(float* x) {
  if (threadIdx.x >= 40) return;
  x[threadIdx.x] = 1;
  __syncthreads();
}
template <int = 0>
__global__ void two_barriers(float* x) {
  if (threadIdx.x < 32) {
    __syncthreads();
  } else {
    __syncthreads();
  }
  x[threadIdx.x] = 1;
}
template <int = 0>
__global__ void shuffle_of_some(float* x) {
  float value = 1;
  if (threadIdx.x % 32 < 16) {
    value += __shfl_xor_sync(0xffffffffu, value, 1);
  } else {
    __syncwarp();
  }
  x[threadIdx.x] = value;
}
template <int = 0>
__global__ void mask_without_itself(float* x) {
  x[threadIdx.x] = __shfl_sync(1u, x[threadIdx.x], 0);
}
template <int = 0>
__global__ void past_static_memory(float* x) {
  auto& held = block_shared<float[64], 2>();
  held[threadIdx.x + 1] = 1;
  __syncthreads();
  x[threadIdx.x] = held[threadIdx.x];
}
template <int = 0>
__global__ void past_dynamic_memory(float* x) {
  float* held = dynamic_shared<float>();
  held[threadIdx.x + 1] = 1;
  __syncthreads();
  x[threadIdx.x] = held[threadIdx.x];
}
template <int = 0>
__global__ void too_much_static_memory(float* x) {
  x[0] = block_shared<float[13000], 3>()[0];
}
template <int = 0>
__global__ void past_global_memory(float* x, int n) {
  x[n + static_cast<int>(threadIdx.x)] = 1;
}
template <int = 0>
__global__ void unwritten_shared_memory(float* x) {
  auto& held = block_shared<float[64], 4>();
  if (threadIdx.x != 63) held[threadIdx.x] = x[threadIdx.x];
  x[threadIdx.x] = static_cast<float>(__syncthreads_count(held[threadIdx.x] > 0));
}
template <int = 0>
__global__ void unwritten_dynamic_memory(float* x) {
  const float* held = dynamic_shared<float>();
  if (held[threadIdx.x] > 0) x[threadIdx.x] = 1;
}

}  // namespace prefopt::gpu::test
