#pragma once

#include <algorithm>
#include <cstddef>

#include <prefopt/backend/cuda/context.cuh>
#include <prefopt/backend/cuda/device.cuh>

namespace prefopt::gpu {

inline constexpr unsigned element_threads = 256;

/// operation(i) for all i < count, in any order.
template <class Operation>
__global__ void __launch_bounds__(element_threads)
    each_element(std::size_t count, Operation operation) {
  const std::size_t step = std::size_t{gridDim.x} * element_threads;
  for (std::size_t i = std::size_t{blockIdx.x} * element_threads + threadIdx.x; i < count;
       i += step) {
    operation(i);
  }
}

/// Launches it. Elements must not depend on one another.
template <class Operation>
void for_each_element(std::size_t count, Operation operation) {
  if (count == 0) return;
  context& device = context::current();
  // A few elements a thread, so that blocks live long enough to be worth their start.
  const auto most = static_cast<std::size_t>(device.multiprocessors()) * 16;
  const std::size_t blocks = std::min(most, (count + element_threads - 1) / element_threads);
  launch(each_element<Operation>, static_cast<unsigned>(blocks), element_threads, 0,
         device.stream(), count, operation);
}

}  // namespace prefopt::gpu
