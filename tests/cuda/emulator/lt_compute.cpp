// The product itself, by Eigen.

#include <bit>
#include <cmath>
#include <cstdint>

#include <Eigen/Core>

#include <cuda_bf16.h>

#include <emulator/lt_product.hpp>

namespace emulator::lt {
namespace {

using matrix = Eigen::MatrixXf;
using index = Eigen::Index;

float read(const void* data, std::int32_t type, std::int64_t at) {
  if (type == CUDA_R_32F) return static_cast<const float*>(data)[at];
  return __bfloat162float(static_cast<const __nv_bfloat16*>(data)[at]);
}

void write(void* data, std::int32_t type, std::int64_t at, float value) {
  if (type == CUDA_R_32F) {
    static_cast<float*>(data)[at] = value;
  } else {
    static_cast<__nv_bfloat16*>(data)[at] = __float2bfloat16(value);
  }
}

/// Ten bits of mantissa, to the nearest, as tensor cores take floats.
float to_tf32(float x) {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  const std::uint32_t rounded = (bits + 0xfff + (bits >> 13 & 1)) & 0xffffe000u;
  return std::isfinite(x) ? std::bit_cast<float>(rounded) : x;
}

std::int64_t place(const layout& l, std::int64_t row, std::int64_t column) {
  return l.order == CUBLASLT_ORDER_ROW ? row * l.leading + column : row + column * l.leading;
}

matrix load(const layout& l, const void* data, std::int64_t which) {
  matrix m(static_cast<index>(l.rows), static_cast<index>(l.columns));
  for (index column = 0; column < m.cols(); ++column) {
    for (index row = 0; row < m.rows(); ++row) {
      m(row, column) = read(data, l.type, which * l.stride + place(l, row, column));
    }
  }
  return m;
}

void store(const matrix& m, const layout& l, void* data, std::int64_t which) {
  for (index column = 0; column < m.cols(); ++column) {
    for (index row = 0; row < m.rows(); ++row) {
      write(data, l.type, which * l.stride + place(l, row, column), m(row, column));
    }
  }
}

// cuBLASLt's GELU is the one with tanh.
constexpr float root = 0.7978845608028654f;  // sqrt(2 / pi)
constexpr float cubic = 0.044715f;

float gelu(float x) {
  return 0.5f * x * (1 + std::tanh(root * (x + cubic * x * x * x)));
}

float gelu_derivative(float x) {
  const float t = std::tanh(root * (x + cubic * x * x * x));
  return 0.5f * (1 + t) + 0.5f * x * (1 - t * t) * root * (1 + 3 * cubic * x * x);
}

/// The input of GELU, column-major like D.
layout aux_layout(const product& p) {
  layout l = p.layout_d;
  l.leading = p.call.aux_leading;
  l.stride = p.call.aux_stride;
  return l;
}

void store_bias(const product& p, const Eigen::VectorXf& sums, std::int64_t which) {
  for (index i = 0; i < sums.size(); ++i) {
    write(p.call.bias, p.layout_d.type, which * p.call.bias_stride + i, sums[i]);
  }
}

void apply_epilogue(const product& p, const matrix& a, const matrix& b, std::int64_t which,
                    matrix& d) {
  if (p.reads_bias()) {
    for (index row = 0; row < d.rows(); ++row) {
      d.row(row).array() += read(p.call.bias, p.layout_d.type, which * p.call.bias_stride + row);
    }
  }
  if (p.has(CUBLASLT_EPILOGUE_GELU)) {
    if (p.uses_aux()) store(d, aux_layout(p), p.call.aux, which);
    d = d.unaryExpr(&gelu);
  }
  if (p.has(CUBLASLT_EPILOGUE_DGELU)) {
    const matrix input = load(aux_layout(p), p.call.aux, which);
    d = d.cwiseProduct(input.unaryExpr(&gelu_derivative));
  }
  if (p.has(CUBLASLT_EPILOGUE_DGELU_BGRAD)) store_bias(p, d.rowwise().sum(), which);
  if (p.has(CUBLASLT_EPILOGUE_BGRADA)) store_bias(p, a.rowwise().sum(), which);
  if (p.has(CUBLASLT_EPILOGUE_BGRADB)) store_bias(p, b.colwise().sum().transpose(), which);
}

}  // namespace

void compute(const product& p) {
  const bool narrow = p.call.compute == CUBLAS_COMPUTE_32F_FAST_TF32;
  for (std::int64_t which = 0; which < p.layout_d.batch; ++which) {
    matrix a = load(p.layout_a, p.a, which);
    matrix b = load(p.layout_b, p.b, which);
    if (p.call.transpose_a != CUBLAS_OP_N) a.transposeInPlace();
    if (p.call.transpose_b != CUBLAS_OP_N) b.transposeInPlace();
    const matrix left = narrow ? matrix(a.unaryExpr(&to_tf32)) : a;
    const matrix right = narrow ? matrix(b.unaryExpr(&to_tf32)) : b;
    matrix d = matrix::Zero(static_cast<index>(p.rows()), static_cast<index>(p.columns()));
    // Column by column: a column's bits depend on it alone, as with one algorithm of cuBLASLt.
    for (index column = 0; column < d.cols(); ++column) {
      d.col(column).noalias() += p.alpha * (left * right.col(column));
    }
    if (p.beta != 0) d += p.beta * load(p.layout_c, p.c, which);
    apply_epilogue(p, a, b, which, d);
    store(d, p.layout_d, p.d, which);
  }
}

}  // namespace emulator::lt
