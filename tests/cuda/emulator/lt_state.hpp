#pragma once

#include <cstddef>
#include <cstdint>
#include <new>

#include <cublasLt.h>

// What is kept inside cuBLASLt's opaque structures, which may lie on the caller's stack.
namespace emulator::lt {

struct layout {
  std::int32_t type = 0;
  std::int32_t order = CUBLASLT_ORDER_COL;
  std::int32_t batch = 1;
  std::uint64_t rows = 0;
  std::uint64_t columns = 0;
  std::int64_t leading = 0;
  std::int64_t stride = 0;  // from one matrix of the batch to the next, in elements
};
static_assert(sizeof(layout) <= sizeof(cublasLtMatrixLayoutOpaque_t));

/// Bytes of an element.
inline std::size_t size_of(std::int32_t type) {
  return type == CUDA_R_32F ? 4 : 2;
}

struct description {
  std::int32_t compute = 0;
  std::int32_t scale = 0;
  std::int32_t pointer_mode = CUBLASLT_POINTER_MODE_HOST;
  std::int32_t transpose_a = CUBLAS_OP_N;
  std::int32_t transpose_b = CUBLAS_OP_N;
  std::uint32_t epilogue = CUBLASLT_EPILOGUE_DEFAULT;
  std::int32_t bias_type = -1;
  std::int32_t aux_type = -1;
  void* bias = nullptr;
  std::int64_t bias_stride = 0;
  void* aux = nullptr;
  std::int64_t aux_leading = 0;
  std::int64_t aux_stride = 0;
};
static_assert(sizeof(description) <= sizeof(cublasLtMatmulDescOpaque_t));

struct preference {
  std::uint64_t workspace = 0;
  std::uint32_t alignment[4] = {256, 256, 256, 256};  // bytes, of A, B, C, D
  std::uint32_t reduction = CUBLASLT_REDUCTION_SCHEME_MASK;
};
static_assert(sizeof(preference) <= sizeof(cublasLtMatmulPreferenceOpaque_t));

/// An algorithm is good for one problem, and for pointers as aligned as the heuristic was told.
struct algorithm {
  std::uint64_t problem = 0;
  std::uint64_t workspace = 0;
  std::uint32_t alignment[4] = {};
};
static_assert(sizeof(algorithm) <= sizeof(cublasLtMatmulAlgo_t));

template <class State, class Opaque>
const State& state(const Opaque* opaque) {
  return *std::launder(reinterpret_cast<const State*>(opaque));
}
template <class State, class Opaque>
State& state(Opaque* opaque) {
  return *std::launder(reinterpret_cast<State*>(opaque));
}

}  // namespace emulator::lt
