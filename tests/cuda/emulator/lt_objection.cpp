// What cuBLASLt documents that it refuses.

#include <cstdint>
#include <string>

#include <emulator/device_memory.hpp>
#include <emulator/error.hpp>
#include <emulator/lt_product.hpp>

namespace emulator::lt {
namespace {

bool is_row_major(const layout& l) {
  return l.order == CUBLASLT_ORDER_ROW;
}

/// Elements that stand together: a column, or a row.
std::int64_t line_length(const layout& l) {
  return static_cast<std::int64_t>(is_row_major(l) ? l.columns : l.rows);
}

/// Elements from the first of one matrix to behind its last.
std::int64_t extent_of_one(const layout& l) {
  const auto lines = static_cast<std::int64_t>(is_row_major(l) ? l.rows : l.columns);
  return (lines - 1) * l.leading + line_length(l);
}

/// Bytes from the first element to behind the last, of a layout that is not empty.
std::size_t extent(const layout& l) {
  const std::int64_t before_last = (l.batch - 1) * l.stride;
  return static_cast<std::size_t>(before_last + extent_of_one(l)) * size_of(l.type);
}

/// Whether matrices of a batch share elements. They do not if they stand end to end, or all beside
/// one another within the leading dimension, as a row's heads do.
bool overlaps_itself(const layout& l) {
  if (l.batch == 1 || l.stride >= extent_of_one(l)) return false;
  const bool side_by_side =
      l.stride >= line_length(l) && (l.batch - 1) * l.stride + line_length(l) <= l.leading;
  return !side_by_side;
}

std::string of_layout(const layout& l, const std::string& name) {
  if (l.order != CUBLASLT_ORDER_COL && l.order != CUBLASLT_ORDER_ROW) {
    unsupported("an order of cuBLASLt beside COL and ROW");
  }
  if (l.type != CUDA_R_32F && l.type != CUDA_R_16BF) {
    unsupported("a type of cuBLASLt beside float and bfloat16");
  }
  if (l.rows == 0 || l.columns == 0) return name + " is empty";
  if (l.leading < line_length(l)) return "the leading dimension of " + name + " is too small";
  if (l.batch < 1) return "the batch of " + name + " is empty";
  if (l.stride < 0) unsupported("a negative stride of a cuBLASLt batch");
  return {};
}

std::string of_types(const product& p) {
  if (p.layout_a.type != p.layout_b.type) return "A and B differ in type";
  if (p.layout_c.type != p.layout_d.type) return "C and D differ in type";
  if (p.layout_a.type == CUDA_R_32F && p.layout_d.type != CUDA_R_32F) {
    return "D is bfloat16 of float A and B";
  }
  const auto compute = p.call.compute;
  if (compute == CUBLAS_COMPUTE_32F_FAST_TF32 && p.layout_a.type != CUDA_R_32F) {
    return "TF32 of bfloat16 matrices";
  }
  if (compute != CUBLAS_COMPUTE_32F && compute != CUBLAS_COMPUTE_32F_PEDANTIC &&
      compute != CUBLAS_COMPUTE_32F_FAST_TF32) {
    unsupported("compute type " + std::to_string(compute) + " of cuBLASLt");
  }
  if (p.call.scale != CUDA_R_32F) unsupported("a scale type of cuBLASLt beside float");
  if (p.call.pointer_mode != CUBLASLT_POINTER_MODE_HOST) {
    unsupported("alpha and beta of cuBLASLt in device memory");
  }
  return {};
}

std::string of_shapes(const product& p) {
  const bool turn_b = p.call.transpose_b != CUBLAS_OP_N;
  const bool turn_a = p.call.transpose_a != CUBLAS_OP_N;
  if (p.rows() != (turn_a ? p.layout_a.columns : p.layout_a.rows)) return "rows of A and D differ";
  if (p.columns() != (turn_b ? p.layout_b.rows : p.layout_b.columns)) {
    return "columns of B and D differ";
  }
  if (p.inner() != (turn_b ? p.layout_b.columns : p.layout_b.rows)) {
    return "columns of A and rows of B differ";
  }
  if (p.layout_c.rows != p.rows() || p.layout_c.columns != p.columns()) return "C and D differ";
  for (const layout* l : {&p.layout_a, &p.layout_b, &p.layout_c}) {
    if (l->batch != p.layout_d.batch) return "the batches differ";
  }
  if (overlaps_itself(p.layout_d)) return "the matrices of D overlap";
  return {};
}

bool is_known(std::uint32_t epilogue) {
  switch (epilogue) {
    case CUBLASLT_EPILOGUE_DEFAULT:
    case CUBLASLT_EPILOGUE_BIAS:
    case CUBLASLT_EPILOGUE_GELU:
    case CUBLASLT_EPILOGUE_GELU_BIAS:
    case CUBLASLT_EPILOGUE_GELU_AUX:
    case CUBLASLT_EPILOGUE_GELU_AUX_BIAS:
    case CUBLASLT_EPILOGUE_DGELU:
    case CUBLASLT_EPILOGUE_DGELU_BGRAD:
    case CUBLASLT_EPILOGUE_BGRADA:
    case CUBLASLT_EPILOGUE_BGRADB:
      return true;
    default:
      return false;
  }
}

std::string of_epilogue(const product& p, bool with_pointers) {
  if (!is_known(p.call.epilogue)) {
    unsupported("epilogue " + std::to_string(p.call.epilogue) + " of cuBLASLt");
  }
  if (p.call.epilogue == CUBLASLT_EPILOGUE_DEFAULT) return {};
  if (is_row_major(p.layout_d) || is_row_major(p.layout_c)) return "an epilogue on a row-major D";
  if (p.reads_bias() || p.writes_bias()) {
    if (p.call.bias_type != -1 && p.call.bias_type != p.layout_d.type) {
      return "the bias is of another type than D";
    }
    if (with_pointers && (p.call.bias == nullptr || kind_of(p.call.bias) == memory_kind::host)) {
      return "the bias is not in device memory";
    }
  }
  if (p.uses_aux()) {
    if (p.call.aux_type != -1 && p.call.aux_type != p.layout_d.type) {
      return "the auxiliary matrix is of another type than D";
    }
    if (p.call.aux_leading < static_cast<std::int64_t>(p.rows()) || p.call.aux_leading % 8 != 0) {
      return "the auxiliary leading dimension is less than D's rows or no multiple of 8";
    }
    if (with_pointers && (p.call.aux == nullptr || kind_of(p.call.aux) == memory_kind::host ||
                          reinterpret_cast<std::uintptr_t>(p.call.aux) % 16 != 0)) {
      return "the auxiliary matrix is not in device memory, 16-byte aligned";
    }
  }
  return {};
}

std::string of_pointer(const layout& l, const void* start, const std::string& name) {
  if (start == nullptr) return name + " is null";
  if (kind_of(start) == memory_kind::host) return name + " is in the host's memory";
  if (!within_one(start, extent(l))) return name + " reaches beyond its allocation";
  if (reinterpret_cast<std::uintptr_t>(start) % size_of(l.type) != 0) return name + " is unaligned";
  return {};
}

bool share_memory(const layout& l, const void* a, const layout& k, const void* b) {
  const auto first = reinterpret_cast<std::uintptr_t>(a);
  const auto second = reinterpret_cast<std::uintptr_t>(b);
  return first < second + extent(k) && second < first + extent(l);
}

/// D is where C is, in the same layout, or apart from all that is read.
std::string of_places(const product& p) {
  if (share_memory(p.layout_d, p.d, p.layout_a, p.a)) return "D is written over A";
  if (share_memory(p.layout_d, p.d, p.layout_b, p.b)) return "D is written over B";
  if (p.beta == 0) return {};
  const layout& c = p.layout_c;
  const layout& d = p.layout_d;
  if (p.c == p.d) {
    const bool same =
        c.order == d.order && c.leading == d.leading && (c.batch == 1 || c.stride == d.stride);
    return same ? "" : "D is in C's place in another layout";
  }
  return share_memory(d, p.d, c, p.c) ? "D is written over C, and not in its place" : "";
}

}  // namespace

std::string objection(const product& p, bool with_pointers) {
  std::string found;
  const auto ask = [&](std::string answer) {
    if (found.empty()) found = std::move(answer);
  };
  ask(of_layout(p.layout_a, "A"));
  ask(of_layout(p.layout_b, "B"));
  ask(of_layout(p.layout_c, "C"));
  ask(of_layout(p.layout_d, "D"));
  ask(of_types(p));
  ask(of_shapes(p));
  ask(of_epilogue(p, with_pointers));
  if (with_pointers && found.empty()) {
    ask(of_pointer(p.layout_a, p.a, "A"));
    ask(of_pointer(p.layout_b, p.b, "B"));
    if (p.beta != 0) ask(of_pointer(p.layout_c, p.c, "C"));
    ask(of_pointer(p.layout_d, p.d, "D"));
    if (found.empty()) ask(of_places(p));
  }
  return found;
}

}  // namespace emulator::lt
