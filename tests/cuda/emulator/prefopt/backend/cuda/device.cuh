#pragma once

// Stands in for include/prefopt/backend/cuda/device.cuh, which says what each of these is: kernels
// run on the CPU, in the order that the emulator's options say.

#include <emulator/device_functions.hpp>  // first: what it needs of the headers below

#include <cstddef>
#include <tuple>
#include <type_traits>

#include <cuda_bf16.h>
#include <cuda_runtime.h>

#include <emulator/device_memory.hpp>
#include <emulator/error.hpp>
#include <emulator/kernel_name.hpp>
#include <emulator/launch.hpp>
#include <prefopt/backend/cuda/check.cuh>

namespace prefopt::gpu {

template <class T, int Slot = 0>
T& block_shared() {
  static char key;  // an address for each T and Slot
  return *static_cast<T*>(emulator::block_shared(&key, sizeof(T)));
}

template <class T>
T* dynamic_shared() {
  return static_cast<T*>(emulator::dynamic_shared());
}

template <class... Parameters, class... Arguments>
void launch(void (*kernel)(Parameters...), dim3 grid, dim3 block, std::size_t shared_bytes,
            cudaStream_t stream, Arguments&&... arguments) {
  static_assert(sizeof...(Parameters) == sizeof...(Arguments));
  static_assert((std::is_trivially_copyable_v<Parameters> && ...), "copied to the device by bytes");
  const std::tuple<Parameters...> converted(static_cast<Parameters>(arguments)...);
  const void* const address = reinterpret_cast<const void*>(kernel);
  check_launch(cudaGetLastError(), address, grid, block, shared_bytes);
  try {
    std::apply([](const auto&... each) { (emulator::check_argument(each), ...); }, converted);
    emulator::launch({grid, block, shared_bytes, address}, stream,
                     [kernel, converted] { std::apply(kernel, converted); });
  } catch (const emulator::error& refused) {
    throw cuda_error("launch of " + emulator::kernel_name(address), refused.what());
  }
}

}  // namespace prefopt::gpu
