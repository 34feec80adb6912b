#pragma once

#include <prefopt/backend/cuda/device.cuh>

namespace prefopt::gpu {

inline constexpr unsigned warp_threads = 32;
inline constexpr unsigned whole_warp = 0xffffffffU;

/// The sum over a warp's 32 threads, the same bits in each of them. All must call it.
template <class Real>
__device__ __forceinline__ Real warp_sum(Real value) {
#pragma unroll
  for (unsigned distance = warp_threads / 2; distance > 0; distance /= 2) {
    value += __shfl_xor_sync(whole_warp, value, static_cast<int>(distance));
  }
  return value;
}

/// The largest of a warp's 32 threads, NaN where one has NaN.
template <class Real>
__device__ __forceinline__ Real warp_max(Real value) {
#pragma unroll
  for (unsigned distance = warp_threads / 2; distance > 0; distance /= 2) {
    const Real other = __shfl_xor_sync(whole_warp, value, static_cast<int>(distance));
    value = other > value || other != other ? other : value;
  }
  return value;
}

/// The sum over a block of whole warps, the same bits in every thread. All threads must call it; it
/// may be called again at once.
template <class Real, int Slot = 0>
__device__ __forceinline__ Real block_sum(Real value) {
  auto& parts = block_shared<Real[warp_threads], Slot>();
  const unsigned lane = threadIdx.x % warp_threads;
  value = warp_sum(value);
  if (lane == 0) parts[threadIdx.x / warp_threads] = value;
  __syncthreads();
  value = warp_sum(lane < blockDim.x / warp_threads ? parts[lane] : Real(0));
  __syncthreads();  // before the next call writes
  return value;
}

/// The largest over a block of whole warps, NaN where one has NaN; as `block_sum`.
template <class Real, int Slot = 0>
__device__ __forceinline__ Real block_max(Real value) {
  auto& parts = block_shared<Real[warp_threads], Slot>();
  const unsigned lane = threadIdx.x % warp_threads;
  value = warp_max(value);
  if (lane == 0) parts[threadIdx.x / warp_threads] = value;
  __syncthreads();
  value = warp_max(parts[lane < blockDim.x / warp_threads ? lane : 0]);
  __syncthreads();
  return value;
}

}  // namespace prefopt::gpu
