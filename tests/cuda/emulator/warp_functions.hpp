#pragma once

#include <cstdint>
#include <cstring>
#include <type_traits>

#include <cuda_runtime.h>

#include <emulator/block.hpp>
#include <emulator/error.hpp>
#include <emulator/index.hpp>

namespace emulator {

/// The running thread's place in its warp.
inline int lane() {
  return static_cast<int>((threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z)) %
                          32);
}

template <class T>
T shuffle(unsigned mask, T value, int from, site where) {
  static_assert(sizeof(T) <= 8 && std::is_trivially_copyable_v<T>);
  std::uint64_t bits = 0;
  std::memcpy(&bits, static_cast<const void*>(&value), sizeof value);
  bits = block::running().collective(waits::shuffle, mask, bits, from, where);
  std::memcpy(static_cast<void*>(&value), &bits, sizeof value);
  return value;
}

inline unsigned reduce(waits kind, unsigned mask, unsigned value, site where) {
  return static_cast<unsigned>(block::running().collective(kind, mask, value, 0, where));
}

/// As CUDA's `__reduce_*_sync`, which exist for 32-bit integers.
template <class T>
T reduce_integer(waits for_signed, waits for_unsigned, unsigned mask, T value, site where) {
  static_assert(std::is_same_v<T, int> || std::is_same_v<T, unsigned>);
  const waits kind = std::is_signed_v<T> ? for_signed : for_unsigned;
  return static_cast<T>(reduce(kind, mask, static_cast<unsigned>(value), where));
}

}  // namespace emulator

// The place of the call, as a last argument, so that an error can name it.
#define PREFOPT_EMULATOR_SITE emulator::site where = {__builtin_FILE(), __builtin_LINE()}

inline void __syncwarp(unsigned mask = 0xffffffffu, PREFOPT_EMULATOR_SITE) {
  emulator::block::running().collective(emulator::waits::syncwarp, mask, 0, 0, where);
}
inline unsigned __ballot_sync(unsigned mask, int predicate, PREFOPT_EMULATOR_SITE) {
  return emulator::reduce(emulator::waits::ballot, mask, predicate != 0, where);
}
inline int __any_sync(unsigned mask, int predicate, PREFOPT_EMULATOR_SITE) {
  return __ballot_sync(mask, predicate, where) != 0;
}
inline int __all_sync(unsigned mask, int predicate, PREFOPT_EMULATOR_SITE) {
  return __ballot_sync(mask, predicate == 0, where) == 0;
}
inline unsigned __activemask() {
  emulator::unsupported("__activemask");
}

// Width: the warp in parts of so many lanes, a power of two.
template <class T>
T __shfl_sync(unsigned mask, T value, int from, int width = 32, PREFOPT_EMULATOR_SITE) {
  const int part = emulator::lane() & ~(width - 1);
  return emulator::shuffle(mask, value, part | (from & (width - 1)), where);
}
template <class T>
T __shfl_xor_sync(unsigned mask, T value, int lanes, int width = 32, PREFOPT_EMULATOR_SITE) {
  const int lane = emulator::lane();
  const int other = lane ^ lanes;
  const int end = (lane & ~(width - 1)) + width;
  return emulator::shuffle(mask, value, other < end ? other : lane, where);
}
template <class T>
T __shfl_down_sync(unsigned mask, T value, unsigned lanes, int width = 32, PREFOPT_EMULATOR_SITE) {
  const int lane = emulator::lane();
  const int other = lane + static_cast<int>(lanes);
  const int end = (lane & ~(width - 1)) + width;
  return emulator::shuffle(mask, value, other < end ? other : lane, where);
}
template <class T>
T __shfl_up_sync(unsigned mask, T value, unsigned lanes, int width = 32, PREFOPT_EMULATOR_SITE) {
  const int lane = emulator::lane();
  const int other = lane - static_cast<int>(lanes);
  return emulator::shuffle(mask, value, other >= (lane & ~(width - 1)) ? other : lane, where);
}

template <class T>
T __reduce_add_sync(unsigned mask, T value, PREFOPT_EMULATOR_SITE) {
  using emulator::waits;
  return emulator::reduce_integer(waits::add, waits::add, mask, value, where);
}
template <class T>
T __reduce_min_sync(unsigned mask, T value, PREFOPT_EMULATOR_SITE) {
  using emulator::waits;
  return emulator::reduce_integer(waits::minimum_signed, waits::minimum, mask, value, where);
}
template <class T>
T __reduce_max_sync(unsigned mask, T value, PREFOPT_EMULATOR_SITE) {
  using emulator::waits;
  return emulator::reduce_integer(waits::maximum_signed, waits::maximum, mask, value, where);
}
inline unsigned __reduce_and_sync(unsigned mask, unsigned value, PREFOPT_EMULATOR_SITE) {
  return emulator::reduce(emulator::waits::bit_and, mask, value, where);
}
inline unsigned __reduce_or_sync(unsigned mask, unsigned value, PREFOPT_EMULATOR_SITE) {
  return emulator::reduce(emulator::waits::bit_or, mask, value, where);
}
inline unsigned __reduce_xor_sync(unsigned mask, unsigned value, PREFOPT_EMULATOR_SITE) {
  return emulator::reduce(emulator::waits::bit_xor, mask, value, where);
}
