#pragma once

#include <cmath>
#include <cstddef>
#include <span>

#include <prefopt/backend/cuda/context.cuh>
#include <prefopt/backend/cuda/device.cuh>
#include <prefopt/backend/cuda/reduce.cuh>
#include <prefopt/backend/cuda/temporary.cuh>
#include <prefopt/backend/cuda/upload.cuh>
#include <prefopt/model/language_model.hpp>
#include <prefopt/train/cuda/multi_tensor.cuh>
#include <prefopt/train/gradient_norm.hpp>

namespace prefopt {

namespace gpu {

/// sums[block] = the sum of squares of the block's piece, in double.
template <int = 0>
__global__ void __launch_bounds__(tensor_threads)
    sum_squares(const tensor<1>* tensors, unsigned count, double* sums) {
  const tensor<1> at = tensor_of_block(tensors, count);
  const std::size_t begin = (blockIdx.x - at.first_block) * tensor_piece;
  const std::size_t end = min(begin + tensor_piece, at.size);
  double sum = 0.0;
#pragma unroll 4
  for (std::size_t i = begin + threadIdx.x; i < end; i += tensor_threads) {
    const double g = static_cast<double>(at.data[0][i]);
    sum += g * g;
  }
  sum = block_sum(sum);
  if (threadIdx.x == 0) sums[blockIdx.x] = sum;
}

/// The sum of all of them, by one block.
template <int = 0>
__global__ void __launch_bounds__(tensor_threads)
    sum_of_sums(const double* sums, unsigned count, double* total) {
  double sum = 0.0;
  for (unsigned i = threadIdx.x; i < count; i += tensor_threads) sum += sums[i];
  sum = block_sum(sum);
  if (threadIdx.x == 0) *total = sum;
}

}  // namespace gpu

/// `gradient_norm` on the device: the Euclidean norm of all gradients together, squares added in
/// double in an order that the parameters' sizes alone decide. Waits for the device.
inline double cuda_gradient_norm(std::span<const parameter> parameters) {
  gpu::tensor_list<1> list;
  for (const parameter& p : parameters) list.add({p.gradient.data()}, p.gradient.size(), true);
  if (list.blocks() == 0) return 0.0;
  const gpu::uploaded<gpu::tensor<1>> tensors(list.tensors());
  const gpu::temporary<double> sums(list.blocks());
  const gpu::temporary<double> total(1);
  gpu::context& device = gpu::context::current();
  gpu::launch(gpu::sum_squares<>, list.blocks(), gpu::tensor_threads, 0, device.stream(),
              tensors.data(), static_cast<unsigned>(tensors.size()), sums.data());
  gpu::launch(gpu::sum_of_sums<>, 1, gpu::tensor_threads, 0, device.stream(), sums.data(),
              list.blocks(), total.data());
  double squares = 0.0;
  device.read(&squares, total.data(), sizeof squares);
  return std::sqrt(squares);
}

}  // namespace prefopt
