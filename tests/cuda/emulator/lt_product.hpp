#pragma once

#include <string>

#include <emulator/lt_state.hpp>

namespace emulator::lt {

/// One call of cublasLtMatmul: D = epilogue(alpha op(A) op(B) + beta C), all of a batch.
struct product {
  description call;
  layout layout_a, layout_b, layout_c, layout_d;
  float alpha = 0;
  float beta = 0;
  const void* a = nullptr;
  const void* b = nullptr;
  const void* c = nullptr;
  void* d = nullptr;

  [[nodiscard]] std::uint64_t rows() const { return layout_d.rows; }
  [[nodiscard]] std::uint64_t columns() const { return layout_d.columns; }
  [[nodiscard]] std::uint64_t inner() const {
    return call.transpose_a == CUBLAS_OP_N ? layout_a.columns : layout_a.rows;
  }
  [[nodiscard]] bool has(std::uint32_t bits) const { return (call.epilogue & bits) == bits; }
  [[nodiscard]] bool reads_bias() const { return has(CUBLASLT_EPILOGUE_BIAS); }
  [[nodiscard]] bool writes_bias() const {
    return has(CUBLASLT_EPILOGUE_DGELU_BGRAD) || has(CUBLASLT_EPILOGUE_BGRADA) ||
           has(CUBLASLT_EPILOGUE_BGRADB);
  }
  [[nodiscard]] bool uses_aux() const { return has(128); }
};

/// Empty if cuBLASLt would compute it, else why not. Pointers are looked at where `with_pointers`.
/// What cuBLASLt can and this cannot ends the program.
std::string objection(const product& p, bool with_pointers);

/// The same for problems that an algorithm does not tell apart.
std::uint64_t fingerprint(const product& p);

void compute(const product& p);

}  // namespace emulator::lt
