#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <vector>

#include <prefopt/backend/cuda/context.cuh>
#include <prefopt/backend/cuda/device.cuh>
#include <prefopt/backend/cuda/upload.cuh>

namespace prefopt::gpu {

// One kernel over all of a model's arrays, whatever their number and lengths: every block has a
// piece of one of them.

inline constexpr unsigned tensor_threads = 256;
inline constexpr std::size_t tensor_piece = 16 * tensor_threads;

/// Arrays of one length that belong together: a parameter's values, gradients and whatever an
/// optimizer remembers of them. Memory that the device can use.
template <std::size_t Arrays>
struct tensor {
  std::array<float*, Arrays> data{};
  std::size_t size = 0;
  bool decays = true;
  unsigned first_block = 0;
};

/// The tensors of one launch and how many blocks they need.
template <std::size_t Arrays>
class tensor_list {
 public:
  void add(const std::array<float*, Arrays>& data, std::size_t size, bool decays) {
    if (size == 0) return;
    tensors_.push_back({data, size, decays, blocks_});
    blocks_ += static_cast<unsigned>((size + tensor_piece - 1) / tensor_piece);
  }
  [[nodiscard]] std::span<const tensor<Arrays>> tensors() const { return tensors_; }
  [[nodiscard]] unsigned blocks() const { return blocks_; }

 private:
  std::vector<tensor<Arrays>> tensors_;
  unsigned blocks_ = 0;
};

/// The tensor that the running block has a piece of: the last that begins at it or before.
template <std::size_t Arrays>
__device__ tensor<Arrays> tensor_of_block(const tensor<Arrays>* tensors, unsigned count) {
  unsigned low = 0;
  unsigned high = count;
  while (high - low > 1) {
    const unsigned middle = (low + high) / 2;
    (tensors[middle].first_block <= blockIdx.x ? low : high) = middle;
  }
  return tensors[low];
}

/// Calls update(value, gradient, remembered...) for every number; `decaying` for those of tensors
/// that decay, `still` for the others.
template <std::size_t Arrays, class Update>
__global__ void __launch_bounds__(tensor_threads)
    update_tensors(const tensor<Arrays>* tensors, unsigned count, Update decaying, Update still) {
  static_assert(Arrays == 3 || Arrays == 4);
  const tensor<Arrays> at = tensor_of_block(tensors, count);
  const Update update = at.decays ? decaying : still;
  const std::size_t begin = (blockIdx.x - at.first_block) * tensor_piece;
  const std::size_t end = min(begin + tensor_piece, at.size);
  float* const value = at.data[0];
  const float* const gradient = at.data[1];
#pragma unroll 4
  for (std::size_t i = begin + threadIdx.x; i < end; i += tensor_threads) {
    if constexpr (Arrays == 3) {
      update(value[i], gradient[i], at.data[2][i]);
    } else {
      update(value[i], gradient[i], at.data[2][i], at.data[3][i]);
    }
  }
}

/// Puts the update of all tensors into the stream.
template <std::size_t Arrays, class Update>
void update_all(const tensor_list<Arrays>& list, const Update& decaying, const Update& still) {
  if (list.blocks() == 0) return;
  const uploaded<tensor<Arrays>> tensors(list.tensors());
  launch(update_tensors<Arrays, Update>, list.blocks(), tensor_threads, 0,
         context::current().stream(), tensors.data(), static_cast<unsigned>(tensors.size()),
         decaying, still);
}

}  // namespace prefopt::gpu
