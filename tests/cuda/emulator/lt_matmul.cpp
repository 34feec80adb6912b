// cuBLASLt's heuristic and its product, which goes into a stream like a kernel.

#include <bit>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>

#include <cublasLt.h>

#include <emulator/device_memory.hpp>
#include <emulator/failure.hpp>
#include <emulator/lt_product.hpp>
#include <emulator/streams.hpp>

namespace {

using namespace emulator::lt;

cublasStatus_t refuse(const std::string& why) {
  std::fprintf(stderr, "emulator: cuBLASLt refuses a product: %s\n", why.c_str());
  return CUBLAS_STATUS_INVALID_VALUE;
}

product problem_of(cublasLtMatmulDesc_t call, cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
                   cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d) {
  product p;
  p.call = state<description>(call);
  p.layout_a = state<layout>(a);
  p.layout_b = state<layout>(b);
  p.layout_c = state<layout>(c);
  p.layout_d = state<layout>(d);
  return p;
}

/// Why the algorithm must not compute this; empty if it may.
std::string mismatch(const algorithm& by, const product& p, const void* workspace,
                     std::size_t workspace_bytes) {
  if (by.problem != fingerprint(p)) return "the algorithm is for another problem";
  const void* const pointers[] = {p.a, p.b, p.c, p.d};
  for (int i = 0; i < 4; ++i) {
    if (reinterpret_cast<std::uintptr_t>(pointers[i]) % by.alignment[i] != 0) {
      return std::string("matrix ") + "ABCD"[i] + " is aligned less than the heuristic was told";
    }
  }
  if (workspace_bytes < by.workspace) return "the workspace is too small for the algorithm";
  if (by.workspace != 0 && (emulator::kind_of(workspace) != emulator::memory_kind::device ||
                            !emulator::within_one(workspace, by.workspace))) {
    return "the workspace is not so much device memory";
  }
  return {};
}

}  // namespace

namespace emulator::lt {

std::uint64_t fingerprint(const product& p) {
  std::uint64_t hash = 1469598103934665603u;  // FNV-1a
  const auto mix = [&](auto value) {
    hash = (hash ^ static_cast<std::uint64_t>(value)) * 1099511628211u;
  };
  // Sizes may differ, leading dimensions and the alignment of a batch's matrices not: the algorithm
  // counts on them. Nor can every algorithm compute batches.
  for (const layout* l : {&p.layout_a, &p.layout_b, &p.layout_c, &p.layout_d}) {
    mix(l->type), mix(l->order), mix(l->leading);
    const auto stride = static_cast<std::uint64_t>(l->stride) * size_of(l->type);
    mix(l->batch == 1 ? 0 : std::countr_zero(stride | 16U) + 1);
  }
  mix(p.call.compute), mix(p.call.transpose_a), mix(p.call.transpose_b), mix(p.call.epilogue);
  return hash;
}

}  // namespace emulator::lt

extern "C" {

cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t, cublasLtMatmulDesc_t call,
                                              cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
                                              cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d,
                                              cublasLtMatmulPreference_t wish, int wanted,
                                              cublasLtMatmulHeuristicResult_t results[],
                                              int* found) {
  *found = 0;
  if (wanted < 1) return CUBLAS_STATUS_INVALID_VALUE;
  const product p = problem_of(call, a, b, c, d);
  if (const std::string why = objection(p, false); !why.empty()) {
    refuse(why);
    return CUBLAS_STATUS_NOT_SUPPORTED;
  }
  const auto& limits = state<preference>(wish);
  algorithm by;
  by.problem = fingerprint(p);
  by.workspace = limits.workspace < 4096 ? limits.workspace : 4096;
  std::memcpy(by.alignment, limits.alignment, sizeof by.alignment);
  results[0] = {};
  std::memcpy(&results[0].algo, &by, sizeof by);
  results[0].workspaceSize = by.workspace;
  results[0].state = CUBLAS_STATUS_SUCCESS;
  results[0].wavesCount = 1;
  *found = 1;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmul(cublasLtHandle_t handle, cublasLtMatmulDesc_t call, const void* alpha,
                              const void* a, cublasLtMatrixLayout_t layout_a, const void* b,
                              cublasLtMatrixLayout_t layout_b, const void* beta, const void* c,
                              cublasLtMatrixLayout_t layout_c, void* d,
                              cublasLtMatrixLayout_t layout_d, const cublasLtMatmulAlgo_t* algo,
                              void* workspace, size_t workspace_bytes, cudaStream_t stream) {
  if (emulator::status() != cudaSuccess) return CUBLAS_STATUS_EXECUTION_FAILED;
  if (handle == nullptr) return CUBLAS_STATUS_NOT_INITIALIZED;
  product p = problem_of(call, layout_a, layout_b, layout_c, layout_d);
  std::memcpy(&p.alpha, alpha, sizeof p.alpha);
  std::memcpy(&p.beta, beta, sizeof p.beta);
  p.a = a;
  p.b = b;
  p.c = c;
  p.d = d;
  if (const std::string why = objection(p, true); !why.empty()) return refuse(why);
  std::size_t scratch = 0;
  if (algo != nullptr) {
    algorithm by;
    std::memcpy(static_cast<void*>(&by), algo, sizeof by);
    if (const std::string why = mismatch(by, p, workspace, workspace_bytes); !why.empty()) {
      return refuse(why);
    }
    scratch = by.workspace;
  }
  emulator::enqueue(stream, [p, workspace, scratch] {
    if (scratch != 0) std::memset(workspace, 0xff, scratch);  // it is used for something
    compute(p);
  });
  return CUBLAS_STATUS_SUCCESS;
}
}
