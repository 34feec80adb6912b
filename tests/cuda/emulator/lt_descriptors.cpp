// cuBLASLt's descriptors: made, changed, thrown away.

#include <cstring>
#include <span>
#include <string>

#include <cublasLt.h>

#include <emulator/error.hpp>
#include <emulator/lt_state.hpp>

namespace {

using namespace emulator::lt;

template <class T>
std::span<char> bytes(T& field) {
  return {reinterpret_cast<char*>(&field), sizeof field};
}

std::span<char> field(layout& l, cublasLtMatrixLayoutAttribute_t attribute) {
  switch (attribute) {
    case CUBLASLT_MATRIX_LAYOUT_TYPE:
      return bytes(l.type);
    case CUBLASLT_MATRIX_LAYOUT_ORDER:
      return bytes(l.order);
    case CUBLASLT_MATRIX_LAYOUT_ROWS:
      return bytes(l.rows);
    case CUBLASLT_MATRIX_LAYOUT_COLS:
      return bytes(l.columns);
    case CUBLASLT_MATRIX_LAYOUT_LD:
      return bytes(l.leading);
    case CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT:
      return bytes(l.batch);
    case CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET:
      return bytes(l.stride);
    default:
      emulator::unsupported("attribute " + std::to_string(attribute) + " of a cuBLASLt layout");
  }
}

std::span<char> field(description& d, cublasLtMatmulDescAttributes_t attribute) {
  switch (attribute) {
    case CUBLASLT_MATMUL_DESC_COMPUTE_TYPE:
      return bytes(d.compute);
    case CUBLASLT_MATMUL_DESC_SCALE_TYPE:
      return bytes(d.scale);
    case CUBLASLT_MATMUL_DESC_POINTER_MODE:
      return bytes(d.pointer_mode);
    case CUBLASLT_MATMUL_DESC_TRANSA:
      return bytes(d.transpose_a);
    case CUBLASLT_MATMUL_DESC_TRANSB:
      return bytes(d.transpose_b);
    case CUBLASLT_MATMUL_DESC_EPILOGUE:
      return bytes(d.epilogue);
    case CUBLASLT_MATMUL_DESC_BIAS_POINTER:
      return bytes(d.bias);
    case CUBLASLT_MATMUL_DESC_BIAS_BATCH_STRIDE:
      return bytes(d.bias_stride);
    case CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE:
      return bytes(d.bias_type);
    case CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_POINTER:
      return bytes(d.aux);
    case CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_LD:
      return bytes(d.aux_leading);
    case CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_BATCH_STRIDE:
      return bytes(d.aux_stride);
    case CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_DATA_TYPE:
      return bytes(d.aux_type);
    default:
      emulator::unsupported("attribute " + std::to_string(attribute) + " of a cuBLASLt product");
  }
}

std::span<char> field(preference& p, cublasLtMatmulPreferenceAttributes_t attribute) {
  switch (attribute) {
    case CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES:
      return bytes(p.workspace);
    case CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK:
      return bytes(p.reduction);
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES:
      return bytes(p.alignment[0]);
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES:
      return bytes(p.alignment[1]);
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES:
      return bytes(p.alignment[2]);
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES:
      return bytes(p.alignment[3]);
    default:
      emulator::unsupported("attribute " + std::to_string(attribute) + " of a cuBLASLt preference");
  }
}

cublasStatus_t set(std::span<char> to, const void* from, std::size_t size) {
  if (from == nullptr || size != to.size()) return CUBLAS_STATUS_INVALID_VALUE;
  std::memcpy(to.data(), from, size);
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t get(std::span<char> from, void* to, std::size_t size, std::size_t* written) {
  if (written != nullptr) *written = from.size();
  if (size == 0) return written == nullptr ? CUBLAS_STATUS_INVALID_VALUE : CUBLAS_STATUS_SUCCESS;
  if (to == nullptr || size != from.size()) return CUBLAS_STATUS_INVALID_VALUE;
  std::memcpy(to, from.data(), size);
  return CUBLAS_STATUS_SUCCESS;
}

/// A new structure, which `init` fills.
template <class Opaque, class Init>
cublasStatus_t create(Opaque** handle, Init init) {
  *handle = new Opaque;
  return init(*handle);
}

template <class Opaque>
cublasStatus_t destroy(Opaque* handle) {
  delete handle;
  return CUBLAS_STATUS_SUCCESS;
}

}  // namespace

struct cublasLtContext {};

extern "C" {

cublasStatus_t cublasLtCreate(cublasLtHandle_t* handle) {
  *handle = new cublasLtContext;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtDestroy(cublasLtHandle_t handle) {
  return destroy(handle);
}
size_t cublasLtGetVersion() {
  return CUBLAS_VERSION;
}

const char* cublasLtGetStatusName(cublasStatus_t status) {
  switch (status) {
    case CUBLAS_STATUS_SUCCESS:
      return "CUBLAS_STATUS_SUCCESS";
    case CUBLAS_STATUS_INVALID_VALUE:
      return "CUBLAS_STATUS_INVALID_VALUE";
    case CUBLAS_STATUS_NOT_SUPPORTED:
      return "CUBLAS_STATUS_NOT_SUPPORTED";
    default:
      return "another cuBLAS status";
  }
}
const char* cublasLtGetStatusString(cublasStatus_t status) {
  switch (status) {
    case CUBLAS_STATUS_SUCCESS:
      return "success";
    case CUBLAS_STATUS_INVALID_VALUE:
      return "an unsupported value or parameter was passed";
    case CUBLAS_STATUS_NOT_SUPPORTED:
      return "the requested function is not supported";
    default:
      return "an error";
  }
}

cublasStatus_t cublasLtMatrixLayoutInit_internal(cublasLtMatrixLayout_t handle, size_t,
                                                 cudaDataType type, uint64_t rows, uint64_t columns,
                                                 int64_t leading) {
  layout l;
  l.type = type;
  l.rows = rows;
  l.columns = columns;
  l.leading = leading;
  new (handle) layout(l);
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t* handle, cudaDataType type,
                                          uint64_t rows, uint64_t columns, int64_t leading) {
  return create(handle, [&](auto* h) {
    return cublasLtMatrixLayoutInit_internal(h, sizeof *h, type, rows, columns, leading);
  });
}
cublasStatus_t cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t handle) {
  return destroy(handle);
}
cublasStatus_t cublasLtMatrixLayoutSetAttribute(cublasLtMatrixLayout_t handle,
                                                cublasLtMatrixLayoutAttribute_t attribute,
                                                const void* value, size_t size) {
  return set(field(state<layout>(handle), attribute), value, size);
}
cublasStatus_t cublasLtMatrixLayoutGetAttribute(cublasLtMatrixLayout_t handle,
                                                cublasLtMatrixLayoutAttribute_t attribute,
                                                void* value, size_t size, size_t* written) {
  return get(field(state<layout>(handle), attribute), value, size, written);
}

cublasStatus_t cublasLtMatmulDescInit_internal(cublasLtMatmulDesc_t handle, size_t,
                                               cublasComputeType_t compute, cudaDataType_t scale) {
  description d;
  d.compute = compute;
  d.scale = scale;
  new (handle) description(d);
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulDescCreate(cublasLtMatmulDesc_t* handle, cublasComputeType_t compute,
                                        cudaDataType_t scale) {
  return create(handle, [&](auto* h) {
    return cublasLtMatmulDescInit_internal(h, sizeof *h, compute, scale);
  });
}
cublasStatus_t cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t handle) {
  return destroy(handle);
}
cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t handle,
                                              cublasLtMatmulDescAttributes_t attribute,
                                              const void* value, size_t size) {
  return set(field(state<description>(handle), attribute), value, size);
}
cublasStatus_t cublasLtMatmulDescGetAttribute(cublasLtMatmulDesc_t handle,
                                              cublasLtMatmulDescAttributes_t attribute, void* value,
                                              size_t size, size_t* written) {
  return get(field(state<description>(handle), attribute), value, size, written);
}

cublasStatus_t cublasLtMatmulPreferenceInit_internal(cublasLtMatmulPreference_t handle, size_t) {
  new (handle) preference;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t* handle) {
  return create(handle,
                [](auto* h) { return cublasLtMatmulPreferenceInit_internal(h, sizeof *h); });
}
cublasStatus_t cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t handle) {
  return destroy(handle);
}
cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t handle,
                                                    cublasLtMatmulPreferenceAttributes_t attribute,
                                                    const void* value, size_t size) {
  return set(field(state<preference>(handle), attribute), value, size);
}
}
