#pragma once

#include <bit>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>

#include <cublasLt.h>

#include <prefopt/backend/cuda/check.cuh>
#include <prefopt/backend/cuda/context.cuh>
#include <prefopt/backend/cuda/product_kind.cuh>

namespace prefopt::gpu {

// c (rows, columns) = op(a) op(b) through cuBLASLt. Ours are row-major and its matrices are
// column-major, so that it sees every matrix transposed and is asked for c^T = op(b)^T op(a)^T.

/// A factor as it lies in memory, row-major, and whether its transposed is meant.
struct product_factor {
  const void* data = nullptr;
  std::size_t rows = 0;
  std::size_t columns = 0;
  bool transposed = false;
};

/// Which of a product's three sizes is the number of rows of a batch, which changes from call to
/// call: the algorithm is not chosen for every one of them.
enum class batch_size { rows, depth };

namespace detail {

/// All that the choice of an algorithm depends on.
struct product_key {
  std::uint64_t rows, columns, depth, count;
  unsigned alignment;
  product_kind kind;
  bool a_transposed, b_transposed, biased, accumulate, rows_alone;
  auto operator<=>(const product_key&) const = default;
};

/// A handle of cuBLASLt with what destroys it.
template <class Handle, cublasStatus_t (*Destroy)(Handle)>
class blas_handle {
 public:
  blas_handle() = default;
  blas_handle(const blas_handle&) = delete;
  blas_handle& operator=(const blas_handle&) = delete;
  ~blas_handle() {
    if (handle_ != nullptr) (void)Destroy(handle_);
  }
  Handle* out() { return &handle_; }
  operator Handle() const { return handle_; }  // NOLINT(google-explicit-constructor)

 private:
  Handle handle_ = nullptr;
};

/// The descriptions of one product.
class product_description {
 public:
  product_description(const product_key& key, const float* bias) {
    const bool narrow = key.kind == product_kind::bfloat16;
    const cudaDataType type = narrow ? CUDA_R_16BF : CUDA_R_32F;
    const cublasComputeType_t compute =
        key.kind == product_kind::tf32 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F;
    check(cublasLtMatmulDescCreate(operation.out(), compute, CUDA_R_32F),
          "cublasLtMatmulDescCreate");
    const cublasOperation_t b_operation = key.b_transposed ? CUBLAS_OP_T : CUBLAS_OP_N;
    const cublasOperation_t a_operation = key.a_transposed ? CUBLAS_OP_T : CUBLAS_OP_N;
    set(CUBLASLT_MATMUL_DESC_TRANSA, b_operation);
    set(CUBLASLT_MATMUL_DESC_TRANSB, a_operation);
    if (key.biased) {
      set(CUBLASLT_MATMUL_DESC_EPILOGUE, CUBLASLT_EPILOGUE_BIAS);
      set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, bias);
    }
    // As column-major matrices: b is (columns, depth) and a (depth, rows), or the other way round.
    layout(b, type, key.b_transposed ? key.depth : key.columns,
           key.b_transposed ? key.columns : key.depth, key.count);
    layout(a, type, key.a_transposed ? key.rows : key.depth,
           key.a_transposed ? key.depth : key.rows, key.count);
    layout(c, CUDA_R_32F, key.columns, key.rows, key.count);
  }

  blas_handle<cublasLtMatmulDesc_t, cublasLtMatmulDescDestroy> operation;
  blas_handle<cublasLtMatrixLayout_t, cublasLtMatrixLayoutDestroy> a, b, c;

 private:
  template <class T>
  void set(cublasLtMatmulDescAttributes_t attribute, const T& value) {
    check(cublasLtMatmulDescSetAttribute(operation, attribute, &value, sizeof value),
          "cublasLtMatmulDescSetAttribute");
  }
  static void layout(blas_handle<cublasLtMatrixLayout_t, cublasLtMatrixLayoutDestroy>& to,
                     cudaDataType type, std::uint64_t rows, std::uint64_t columns,
                     std::uint64_t count) {
    check(
        cublasLtMatrixLayoutCreate(to.out(), type, rows, columns, static_cast<std::int64_t>(rows)),
        "cublasLtMatrixLayoutCreate");
    if (count == 1) return;
    const auto set = [&](cublasLtMatrixLayoutAttribute_t attribute, const auto& value) {
      check(cublasLtMatrixLayoutSetAttribute(to, attribute, &value, sizeof value),
            "cublasLtMatrixLayoutSetAttribute");
    };
    set(CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, static_cast<std::int32_t>(count));
    set(CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, static_cast<std::int64_t>(rows * columns));
  }
};

class product_preference {
 public:
  explicit product_preference(const product_key& key) {
    check(cublasLtMatmulPreferenceCreate(handle_.out()), "cublasLtMatmulPreferenceCreate");
    set(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, std::size_t{context::workspace_bytes});
    set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, key.alignment);
    set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, key.alignment);
    set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, key.alignment);
    set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, key.alignment);
    if (key.rows_alone) {
      set(CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK,
          static_cast<std::uint32_t>(CUBLASLT_REDUCTION_SCHEME_NONE));
    }
  }
  operator cublasLtMatmulPreference_t() const {  // NOLINT(google-explicit-constructor)
    return handle_;
  }

 private:
  template <class T>
  void set(cublasLtMatmulPreferenceAttributes_t attribute, const T& value) {
    check(cublasLtMatmulPreferenceSetAttribute(handle_, attribute, &value, sizeof value),
          "cublasLtMatmulPreferenceSetAttribute");
  }
  blas_handle<cublasLtMatmulPreference_t, cublasLtMatmulPreferenceDestroy> handle_;
};

/// cuBLASLt's first choice; asked for once for each key in a process. `bias` is any of the key's
/// alignment, or null where there is none.
inline const cublasLtMatmulAlgo_t& product_algorithm(const product_key& key, const float* bias) {
  static std::map<product_key, cublasLtMatmulAlgo_t> known;
  const auto found = known.find(key);
  if (found != known.end()) return found->second;
  const product_description description(key, bias);
  const product_preference preference(key);
  cublasLtMatmulHeuristicResult_t best{};
  int count = 0;
  check(cublasLtMatmulAlgoGetHeuristic(context::current().blas(), description.operation,
                                       description.b, description.a, description.c, description.c,
                                       preference, 1, &best, &count),
        "cublasLtMatmulAlgoGetHeuristic");
  check(count == 0 ? CUBLAS_STATUS_NOT_SUPPORTED : best.state, "cublasLtMatmulAlgoGetHeuristic");
  return known.emplace(key, best.algo).first->second;
}

/// The largest of 16, 8, 4 and 2 that divides all addresses.
template <class... Pointers>
unsigned common_alignment(Pointers... pointers) {
  const std::uintptr_t bits = (reinterpret_cast<std::uintptr_t>(pointers) | ... | 16U);
  return 1U << static_cast<unsigned>(std::countr_zero(bits));
}

}  // namespace detail

/// c (rows, columns) (=|+=) op(a) op(b) + bias, which is null or (columns). Factors are float, or
/// __nv_bfloat16 where `kind` says so; c is float. Where a size is 0 nothing is done. `count` such
/// products are one call: their matrices stand end to end, those of a behind a and so on.
inline void multiply(product_kind kind, product_factor a, product_factor b, const float* bias,
                     bool accumulate, float* c, batch_size changing, std::size_t count = 1) {
  detail::product_key key{
      .rows = a.transposed ? a.columns : a.rows,
      .columns = b.transposed ? b.rows : b.columns,
      .depth = a.transposed ? a.rows : a.columns,
      .count = count,
      .alignment = detail::common_alignment(a.data, b.data, static_cast<const void*>(c),
                                            static_cast<const void*>(bias)),
      .kind = kind,
      .a_transposed = a.transposed,
      .b_transposed = b.transposed,
      .biased = bias != nullptr,
      .accumulate = accumulate,
      .rows_alone = products.rows_alone && changing == batch_size::rows};
  if (key.rows == 0 || key.columns == 0 || key.depth == 0 || count == 0) return;
  const detail::product_description description(key, bias);
  constexpr std::uint64_t usual_rows = 256;
  if (key.rows_alone) {
    key.rows = usual_rows;
  } else {
    std::uint64_t& size = changing == batch_size::rows ? key.rows : key.depth;
    size = std::bit_ceil(size);
  }
  context& device = context::current();
  const cublasLtMatmulAlgo_t& algorithm = detail::product_algorithm(key, bias);
  const float one = 1.0F;
  const float before = accumulate ? 1.0F : 0.0F;
  check(cublasLtMatmul(device.blas(), description.operation, &one, b.data, description.b, a.data,
                       description.a, &before, c, description.c, c, description.c, &algorithm,
                       device.workspace(), context::workspace_bytes, device.stream()),
        "cublasLtMatmul");
}

}  // namespace prefopt::gpu
