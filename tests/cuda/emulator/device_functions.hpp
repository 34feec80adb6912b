#pragma once

// CUDA's device functions, for kernels that the CPU runs. What is missing here does not compile.

#include <cmath>  // before CUDA's headers, which declare some of it otherwise

#include <bit>
#include <cstdint>
#include <type_traits>

#include <cuda_bf16.h>
#include <cuda_runtime.h>

#include <emulator/atomics.hpp>
#include <emulator/block.hpp>
#include <emulator/error.hpp>
#include <emulator/index.hpp>
#include <emulator/warp_functions.hpp>

// What is said to nvcc alone.
#undef __launch_bounds__
#define __launch_bounds__(...)

// Kernels have shared memory from block_shared, or this machine could not know of it.
#undef __shared__
#define __shared__ static_assert(false, "use block_shared<T>()");

// Barriers, of all threads of a block.
inline void __syncthreads(PREFOPT_EMULATOR_SITE) {
  emulator::block::running().barrier(0, where);
}
inline int __syncthreads_count(int predicate, PREFOPT_EMULATOR_SITE) {
  return emulator::block::running().barrier(predicate, where);
}
inline int __syncthreads_or(int predicate, PREFOPT_EMULATOR_SITE) {
  return emulator::block::running().barrier(predicate, where) > 0;
}
inline int __syncthreads_and(int predicate, PREFOPT_EMULATOR_SITE) {
  return emulator::block::running().barrier(predicate == 0, where) == 0;
}
inline void __threadfence() {}
inline void __threadfence_block() {}
inline void __threadfence_system() {}
[[noreturn]] inline void __trap() {
  throw emulator::error("__trap() was called");
}

// Loads and stores with a hint for the caches.
template <class T>
T __ldg(const T* p) {
  return *p;
}
template <class T>
T __ldcg(const T* p) {
  return *p;
}
template <class T>
T __ldcs(const T* p) {
  return *p;
}
template <class T>
void __stcg(T* p, T value) {
  *p = value;
}
template <class T>
void __stcs(T* p, T value) {
  *p = value;
}

// glibc declares these and does not export them, so they are macros.
#define __expf(x) ::expf(x)
#define __exp2f(x) ::exp2f(x)
#define __exp10f(x) ::powf(10.0f, x)
#define __logf(x) ::logf(x)
#define __log2f(x) ::log2f(x)
#define __log10f(x) ::log10f(x)
#define __sinf(x) ::sinf(x)
#define __cosf(x) ::cosf(x)
#define __powf(x, y) ::powf(x, y)

inline float rsqrtf(float x) {
  return 1.0f / ::sqrtf(x);
}
inline double rsqrt(double x) {
  return 1.0 / ::sqrt(x);
}
inline float __frsqrt_rn(float x) {
  return rsqrtf(x);
}
inline float __fsqrt_rn(float x) {
  return ::sqrtf(x);
}
inline float __frcp_rn(float x) {
  return 1.0f / x;
}
inline float __fdividef(float x, float y) {
  return x / y;
}
inline float fdividef(float x, float y) {
  return x / y;
}
inline float __fdiv_rn(float x, float y) {
  return x / y;
}
inline float __fmaf_rn(float x, float y, float z) {
  return ::fmaf(x, y, z);
}
// Never joined to a fused multiply-add, as the compiler may do with plain operators.
inline float __fadd_rn(float x, float y) {
  const volatile float sum = x + y;
  return sum;
}
inline float __fsub_rn(float x, float y) {
  const volatile float difference = x - y;
  return difference;
}
inline float __fmul_rn(float x, float y) {
  const volatile float product = x * y;
  return product;
}
inline float __saturatef(float x) {
  return x > 0.0f ? (x < 1.0f ? x : 1.0f) : 0.0f;
}

inline unsigned __float_as_uint(float x) {
  return std::bit_cast<unsigned>(x);
}
inline int __float_as_int(float x) {
  return std::bit_cast<int>(x);
}
inline float __uint_as_float(unsigned x) {
  return std::bit_cast<float>(x);
}
inline float __int_as_float(int x) {
  return std::bit_cast<float>(x);
}
inline int __float2int_rn(float x) {
  return static_cast<int>(::nearbyintf(x));
}
inline int __float2int_rz(float x) {
  return static_cast<int>(x);
}
inline float __int2float_rn(int x) {
  return static_cast<float>(x);
}
inline float __uint2float_rn(unsigned x) {
  return static_cast<float>(x);
}

inline int __popc(unsigned x) {
  return std::popcount(x);
}
inline int __popcll(unsigned long long x) {
  return std::popcount(x);
}
inline int __clz(int x) {
  return std::countl_zero(static_cast<unsigned>(x));
}
inline int __clzll(long long x) {
  return std::countl_zero(static_cast<unsigned long long>(x));
}
inline int __ffs(int x) {
  return __builtin_ffs(x);
}
inline int __ffsll(long long x) {
  return __builtin_ffsll(x);
}
inline unsigned __umulhi(unsigned x, unsigned y) {
  return static_cast<unsigned>(std::uint64_t(x) * y >> 32);
}
inline unsigned long long __umul64hi(unsigned long long x, unsigned long long y) {
  __extension__ using wide = unsigned __int128;
  return static_cast<unsigned long long>(wide(x) * y >> 64);
}

// CUDA's min and max of any two numbers; those of floating-point numbers ignore NaN.
template <class A, class B>
constexpr std::common_type_t<A, B> min(A a, B b) {
  using type = std::common_type_t<A, B>;
  if constexpr (std::is_floating_point_v<type>) {
    return std::fmin(static_cast<type>(a), static_cast<type>(b));
  } else {
    return static_cast<type>(b) < static_cast<type>(a) ? static_cast<type>(b)
                                                       : static_cast<type>(a);
  }
}
template <class A, class B>
constexpr std::common_type_t<A, B> max(A a, B b) {
  using type = std::common_type_t<A, B>;
  if constexpr (std::is_floating_point_v<type>) {
    return std::fmax(static_cast<type>(a), static_cast<type>(b));
  } else {
    return static_cast<type>(a) < static_cast<type>(b) ? static_cast<type>(b)
                                                       : static_cast<type>(a);
  }
}
