#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include <prefopt/backend/cuda/device.cuh>
#include <prefopt/backend/cuda/reduce.cuh>

namespace prefopt::gpu {

// What a block needs to draw a token as the CPU does: sums in a given order, the bound above which
// the likeliest tokens are, and the order of those alone. All threads of the block call each.

inline constexpr unsigned draw_most_threads = 512;

/// Threads of a block whose row has so many blocks of tokens, one thread for each: whole warps.
inline unsigned draw_threads(std::size_t blocks) {
  const std::size_t warps = (blocks + warp_threads - 1) / warp_threads;
  return static_cast<unsigned>(std::clamp<std::size_t>(warps, 1, 16)) * warp_threads;
}

/// What thread 0 has, for every thread.
template <class T>
__device__ T from_first(T value) {
  auto& shared = block_shared<T>();
  if (threadIdx.x == 0) shared = value;
  __syncthreads();
  value = shared;
  __syncthreads();  // before the next call writes
  return value;
}

/// visit(i, value(i)) for i = 0, 1, ... below `count` until it returns false. Every thread computes
/// values, thread 0 alone visits them.
template <class T, class Value, class Visit>
__device__ __forceinline__ void visit_in_order(std::size_t count, Value value, Visit visit) {
  auto& values = block_shared<T[draw_most_threads]>();
  for (std::size_t first = 0; first < count; first += blockDim.x) {
    const std::size_t own = first + threadIdx.x;
    if (own < count) values[threadIdx.x] = value(own);
    __syncthreads();
    bool on = false;
    if (threadIdx.x == 0) {
      const std::size_t end = min(first + blockDim.x, count);
      on = true;
      for (std::size_t i = first; on && i < end; ++i) on = visit(i, values[i - first]);
    }
    if (__syncthreads_or(on ? 1 : 0) == 0) return;
  }
}

/// How much of something tokens have together: an integer, so that any order gives the same sum.
using draw_amount = unsigned long long;

inline constexpr unsigned draw_bin_bits = 11;
inline constexpr unsigned draw_bins = 1U << draw_bin_bits;

/// A histogram, or keys while they are sorted: one after the other in the same memory.
using draw_buffer = unsigned long long[draw_bins];

struct draw_bin {
  bool found;
  unsigned number;
  draw_amount before;  // in the bins before it
};

/// The first bin at which the running sum of amounts reaches `target`, the same in every thread:
/// bin(v) < draw_bins and amount(v) for all v below `count`.
template <class Bin, class Amount>
__device__ draw_bin find_bin(std::size_t count, draw_amount target, Bin bin, Amount amount) {
  auto& histogram = block_shared<draw_buffer>();
  for (unsigned b = threadIdx.x; b < draw_bins; b += blockDim.x) histogram[b] = 0;
  __syncthreads();
  for (std::size_t v = threadIdx.x; v < count; v += blockDim.x) {
    const draw_amount more = amount(v);
    if (more != 0) atomicAdd(&histogram[bin(v)], more);
  }
  __syncthreads();
  // First in which part of the bins it is, then where in the part.
  constexpr unsigned part = 32;
  draw_bin result{false, 0, 0};
  const auto advance = [&](std::size_t i, draw_amount more) {
    result.number = static_cast<unsigned>(i);
    result.found = result.before + more >= target;
    if (!result.found) result.before += more;
    return !result.found;
  };
  visit_in_order<draw_amount>(
      draw_bins / part,
      [&](std::size_t i) {
        draw_amount sum = 0;
        for (unsigned b = 0; b < part; ++b) sum += histogram[i * part + b];
        return sum;
      },
      advance);
  result = from_first(result);
  if (!result.found) return result;
  const unsigned begin = result.number * part;
  visit_in_order<draw_amount>(
      part, [&](std::size_t i) { return histogram[begin + i]; }, advance);
  result.number += begin;
  return from_first(result);
}

/// A number that is smaller for a likelier token and, of equal logits, for the smaller token.
__device__ inline unsigned long long likelihood_key(float logit, std::size_t token) {
  const std::uint32_t bits = __float_as_uint(logit + 0.0F);  // -0 is 0
  const std::uint32_t falling = bits >> 31U != 0 ? bits : bits ^ 0x7FFFFFFFU;
  return static_cast<unsigned long long>(falling) << 32U | token;
}
__device__ inline unsigned token_of(unsigned long long key) {
  return static_cast<unsigned>(key);
}

/// Writes key(v) of every v below `count` that is wanted, in any order; gives their number to every
/// thread.
template <class Wanted, class Key>
__device__ std::size_t gather_keys(std::size_t count, Wanted wanted, Key key,
                                   unsigned long long* keys) {
  auto& found = block_shared<unsigned>();
  if (threadIdx.x == 0) found = 0;
  __syncthreads();
  for (std::size_t v = threadIdx.x; v < count; v += blockDim.x) {
    if (wanted(v)) keys[atomicAdd(&found, 1U)] = key(v);
  }
  __syncthreads();
  const std::size_t total = found;
  __syncthreads();  // before the next call writes
  return total;
}

/// Sorts `count` keys, ascending (Batcher's bitonic network, of which every comparison puts the
/// smaller first, so that what lies beyond the end counts as larger than all). Gives where they
/// are: few are moved to shared memory.
__device__ inline unsigned long long* sort_keys(unsigned long long* keys, std::size_t count) {
  auto& buffer = block_shared<draw_buffer>();
  if (count <= draw_bins) {
    for (std::size_t i = threadIdx.x; i < count; i += blockDim.x) buffer[i] = keys[i];
    keys = buffer;
    __syncthreads();
  }
  for (std::size_t half = 1; half < count; half *= 2) {
    for (std::size_t stride = half; stride > 0; stride /= 2) {
      const bool mirrored = stride == half;
      for (std::size_t i = threadIdx.x;; i += blockDim.x) {
        const std::size_t begin = i / stride * 2 * stride;
        const std::size_t low = begin + i % stride;
        if (low >= count) break;
        const std::size_t high = mirrored ? begin + 2 * stride - 1 - i % stride : low + stride;
        if (high >= count || keys[low] < keys[high]) continue;
        const unsigned long long larger = keys[low];
        keys[low] = keys[high];
        keys[high] = larger;
      }
      __syncthreads();
    }
  }
  return keys;
}

}  // namespace prefopt::gpu
