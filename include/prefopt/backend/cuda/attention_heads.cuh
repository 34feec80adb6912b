#pragma once

#include <algorithm>
#include <cstddef>

#include <cuda_bf16.h>

#include <prefopt/backend/cuda/attention_plan.cuh>
#include <prefopt/backend/cuda/attention_tile.cuh>
#include <prefopt/backend/cuda/context.cuh>
#include <prefopt/backend/cuda/device.cuh>
#include <prefopt/backend/cuda/elements.cuh>

namespace prefopt::gpu {

// The batched form of attention multiplies matrices of one head each, which stand end to end, their
// sides padded so that every row is aligned. Heads are copied there, and rounded where products are
// in bfloat16, and results are copied back: 1 / keys of what scores take.

/// Numbers that a head has there.
inline unsigned padded_head_width(std::size_t head_width) {
  constexpr std::size_t multiple = 8;  // 16 bytes in bfloat16
  return static_cast<unsigned>((head_width + multiple - 1) / multiple * multiple);
}

/// Some rows of some heads: in a packed matrix, and as (heads, padded_rows, padded_width).
struct head_rows {
  attention_segment segment;
  unsigned position = 0;  // of the first row
  unsigned rows = 0;
  unsigned padded_rows = 0;
  unsigned heads = 0;
  unsigned column = 0;  // of the first head
  unsigned width = 0;
  unsigned padded_width = 0;
  std::size_t columns = 0;  // of the packed matrix

  [[nodiscard]] __host__ __device__ std::size_t size() const {
    return std::size_t{heads} * padded_rows * padded_width;
  }
  /// Where the packed matrix has element i of the padded ones; false for what is padding.
  __device__ bool find(std::size_t i, std::size_t& place) const {
    const std::size_t line = i / padded_width;
    const auto number = static_cast<unsigned>(i - line * padded_width);
    const std::size_t head = line / padded_rows;
    const auto row = static_cast<unsigned>(line - head * padded_rows);
    place = row_at(segment, position + row) * columns + column + head * width + number;
    return row < rows && number < width;
  }
};

__device__ inline void store_as(float value, float* to) {
  *to = value;
}
__device__ inline void store_as(float value, __nv_bfloat16* to) {
  *to = __float2bfloat16(value);
}

/// From a packed matrix to padded heads.
template <class Number>
struct pad_heads {
  head_rows rows;
  const float* from = nullptr;
  Number* to = nullptr;
  __device__ void operator()(std::size_t i) const {
    std::size_t place = 0;
    store_as(rows.find(i, place) ? from[place] : 0.0F, to + i);
  }
};

/// From padded heads to a packed matrix, written or added.
struct unpad_heads {
  head_rows rows;
  const float* from = nullptr;
  float* to = nullptr;
  bool accumulate = false;
  __device__ void operator()(std::size_t i) const {
    std::size_t place = 0;
    if (!rows.find(i, place)) return;
    to[place] = accumulate ? to[place] + from[i] : from[i];
  }
};

/// Up to four copies, made by one launch.
template <class Copy>
struct head_copies {
  Copy copies[4];
};

template <class Copy>
__global__ void __launch_bounds__(element_threads) copy_heads(head_copies<Copy> all) {
  const Copy& copy = all.copies[blockIdx.y];
  const std::size_t size = copy.rows.size();
  const std::size_t step = std::size_t{gridDim.x} * element_threads;
  for (std::size_t i = std::size_t{blockIdx.x} * element_threads + threadIdx.x; i < size;
       i += step) {
    copy(i);
  }
}

/// Copies that do not depend on one another.
template <class Copy, class... More>
void launch_copies(const Copy& first, const More&... more) {
  static_assert(sizeof...(More) < 4);
  const std::size_t size = std::max({first.rows.size(), more.rows.size()...});
  context& device = context::current();
  const auto most = static_cast<std::size_t>(device.multiprocessors()) * 16;
  const std::size_t blocks = std::min(most, (size + element_threads - 1) / element_threads);
  launch(copy_heads<Copy>, dim3(static_cast<unsigned>(blocks), 1 + sizeof...(More)),
         element_threads, 0, device.stream(), head_copies<Copy>{{first, more...}});
}

}  // namespace prefopt::gpu
