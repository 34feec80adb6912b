#pragma once

#include <cstddef>

#include <cuda_bf16.h>
#include <cuda_runtime.h>

#include <prefopt/backend/cuda/check.cuh>

/// What kernels need of the machine beyond plain device code, and the one place that the tests
/// replace: tests/cuda/emulator/ has a file of this name, found first there, that executes kernels
/// on the CPU. So a kernel
///
/// 1. is a template (`template <int = 0>` where it has no parameter of its own) in a .cuh file;
/// 2. has its shared memory from `block_shared` and `dynamic_shared`, never `__shared__`;
/// 3. is launched by `launch` alone;
/// 4. has no inline PTX, and uses of CUDA's device functions those that the emulator has.
///
/// The namespace is not called cuda, so that `cuda::std` stays what it is.
namespace prefopt::gpu {

/// Static shared memory of the block, not initialised: one object for each T and Slot.
template <class T, int Slot = 0>
__device__ __forceinline__ T& block_shared() {
  __shared__ T value;
  return value;
}

/// The shared memory that the launch asked for, not initialised, 16-byte aligned.
template <class T>
__device__ __forceinline__ T* dynamic_shared() {
  extern __shared__ __align__(16) unsigned char prefopt_dynamic_shared[];
  return reinterpret_cast<T*>(prefopt_dynamic_shared);
}

/// Puts a kernel into a stream; the arguments are converted to the kernel's parameters. Throws
/// `cuda_error` where the launch is refused.
template <class... Parameters, class... Arguments>
void launch(void (*kernel)(Parameters...), dim3 grid, dim3 block, std::size_t shared_bytes,
            cudaStream_t stream, Arguments&&... arguments) {
  static_assert(sizeof...(Parameters) == sizeof...(Arguments));
  constexpr std::size_t without_asking = 48 * 1024;
  if (shared_bytes > without_asking) {
    check(cudaFuncSetAttribute(reinterpret_cast<const void*>(kernel),
                               cudaFuncAttributeMaxDynamicSharedMemorySize,
                               static_cast<int>(shared_bytes)),
          "cudaFuncSetAttribute(MaxDynamicSharedMemorySize)");
  }
  kernel<<<grid, block, shared_bytes, stream>>>(static_cast<Parameters>(arguments)...);
  check_launch(cudaGetLastError(), reinterpret_cast<const void*>(kernel), grid, block,
               shared_bytes);
}

}  // namespace prefopt::gpu
