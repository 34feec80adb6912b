#pragma once

#include <prefopt/backend/eigen/eigen_backend.hpp>

#include <algorithm>

#include <prefopt/backend/eigen/attention.hpp>
#include <prefopt/backend/eigen/bias.hpp>
#include <prefopt/backend/eigen/decode.hpp>
#include <prefopt/backend/eigen/draw.hpp>
#include <prefopt/backend/eigen/elementwise.hpp>
#include <prefopt/backend/eigen/head.hpp>
#include <prefopt/backend/eigen/norm.hpp>
#include <prefopt/backend/eigen/norm_heads.hpp>
#include <prefopt/backend/eigen/product.hpp>
#include <prefopt/backend/eigen/product_operands.hpp>
#include <prefopt/backend/eigen/rotate.hpp>
#include <prefopt/core/config.hpp>
#include <prefopt/core/error.hpp>

namespace prefopt {

PREFOPT_INLINE bool has_bfloat16_instructions() {
#ifdef __AVX512BF16__
  return true;
#else
  return false;
#endif
}

PREFOPT_INLINE void eigen_operations::use_products(product_kind kind) {
  if (kind == product_kind::tf32) {
    throw usage_error("products in tf32 are for CUDA; the CPU has float32 and bfloat16");
  }
  detail::products_in = kind;
}

PREFOPT_INLINE product_kind eigen_operations::products() {
  return detail::products_in;
}

PREFOPT_INLINE void eigen_operations::linear(const_matrix_view x, const weight& w,
                                             const float* bias, matrix_view y) {
  w.multiply(x, y);
  detail::add_bias(bias, y);
}

PREFOPT_INLINE void eigen_operations::linear_backward(const_matrix_view x, const_matrix_view values,
                                                      const_matrix_view dy, matrix_view dx,
                                                      bool accumulate, matrix_view dweight,
                                                      float* dbias) {
  detail::product(dy, values, dx, accumulate);
  detail::add_transposed_product(dy, x, dweight);
  detail::add_column_sums(dy, dbias);
}

PREFOPT_INLINE void eigen_operations::norm(norm_kind kind, const_matrix_view x, const float* weight,
                                           const float* bias, float epsilon, matrix_view y) {
  detail::norm_forward(x, weight, bias, epsilon, kind == norm_kind::layer, y);
}

PREFOPT_INLINE void eigen_operations::norm_backward(norm_kind kind, const_matrix_view x,
                                                    const float* weight, float epsilon,
                                                    const_matrix_view dy, matrix_view dx,
                                                    float* dweight, float* dbias) {
  detail::norm_backward(x, weight, epsilon, kind == norm_kind::layer, dy, dx, dweight, dbias);
}

PREFOPT_INLINE void eigen_operations::activate(activation_kind kind, const_matrix_view up,
                                               const_matrix_view gate, matrix_view y) {
  detail::activate(kind, up, gate, y);
}

PREFOPT_INLINE void eigen_operations::activate_backward(activation_kind kind, const_matrix_view up,
                                                        const_matrix_view gate,
                                                        const_matrix_view dy, matrix_view dup,
                                                        matrix_view dgate) {
  detail::activate_backward(kind, up, gate, dy, dup, dgate);
}

PREFOPT_INLINE void eigen_operations::add(matrix_view x, const_matrix_view y) {
  detail::add(x, y);
}

PREFOPT_INLINE void eigen_operations::scale(matrix_view x, float factor) {
  for (std::size_t i = 0; i < x.size(); ++i) x.data[i] *= factor;
}

PREFOPT_INLINE void eigen_operations::copy(const_matrix_view from, matrix_view to) {
  std::copy_n(from.data, from.size(), to.data);
}

PREFOPT_INLINE void eigen_operations::fill(matrix_view x, float value) {
  std::fill_n(x.data, x.size(), value);
}

PREFOPT_INLINE void eigen_operations::embed(std::span<const token_id> tokens,
                                            std::span<const std::size_t> positions,
                                            const_matrix_view table,
                                            const_matrix_view position_table, matrix_view y) {
  detail::embed(tokens, positions, table, position_table, y);
}

PREFOPT_INLINE void eigen_operations::embed_backward(std::span<const token_id> tokens,
                                                     std::span<const std::size_t> positions,
                                                     const_matrix_view dy, matrix_view dtable,
                                                     matrix_view dposition_table) {
  detail::embed_backward(tokens, positions, dy, dtable, dposition_table);
}

PREFOPT_INLINE void eigen_operations::rotate(matrix_view qkv,
                                             std::span<const std::size_t> positions,
                                             const attention_shape& shape, const rotation& by,
                                             float direction) {
  detail::rotate(qkv, positions, shape, by, direction);
}

PREFOPT_INLINE void eigen_operations::norm_heads(const_matrix_view x, const attention_shape& shape,
                                                 const float* query_weight, const float* key_weight,
                                                 float epsilon, matrix_view y) {
  detail::norm_heads(x, shape, query_weight, key_weight, epsilon, y);
}

PREFOPT_INLINE void eigen_operations::norm_heads_backward(const_matrix_view x,
                                                          const attention_shape& shape,
                                                          const float* query_weight,
                                                          const float* key_weight, float epsilon,
                                                          matrix_view dy, float* dquery_weight,
                                                          float* dkey_weight) {
  detail::norm_heads_backward(x, shape, query_weight, key_weight, epsilon, dy, dquery_weight,
                              dkey_weight);
}

PREFOPT_INLINE void eigen_operations::attend(const packed_batch& batch,
                                             const attention_shape& shape, const_matrix_view qkv,
                                             matrix_view context) {
  detail::attend(batch, shape, qkv, context);
}

PREFOPT_INLINE void eigen_operations::attend_backward(const packed_batch& batch,
                                                      const attention_shape& shape,
                                                      const_matrix_view qkv,
                                                      const_matrix_view dcontext,
                                                      matrix_view dqkv) {
  detail::attend_backward(batch, shape, qkv, dcontext, dqkv);
}

PREFOPT_INLINE void eigen_operations::attend_cached(std::span<const decode_context> rows,
                                                    const attention_shape& shape,
                                                    const_matrix_view qkv, matrix_view context) {
  detail::attend_cached(rows, shape, qkv, context);
}

PREFOPT_INLINE void eigen_operations::append_cache(const_matrix_view qkv,
                                                   const attention_shape& shape,
                                                   std::span<float* const> places) {
  for (std::size_t r = 0; r < places.size(); ++r) {
    std::copy_n(qkv.row(r) + shape.key_column(0), 2 * shape.kv_heads * shape.head_width, places[r]);
  }
}

PREFOPT_INLINE void eigen_operations::gather_rows(const_matrix_view x,
                                                  std::span<const std::size_t> rows,
                                                  matrix_view y) {
  for (std::size_t i = 0; i < rows.size(); ++i) std::copy_n(x.row(rows[i]), x.columns, y.row(i));
}

PREFOPT_INLINE void eigen_operations::scatter_rows(const_matrix_view dy,
                                                   std::span<const std::size_t> rows,
                                                   matrix_view dx) {
  for (std::size_t i = 0; i < rows.size(); ++i) {
    float* to = dx.row(rows[i]);
    for (std::size_t c = 0; c < dy.columns; ++c) to[c] += dy.row(i)[c];
  }
}

PREFOPT_INLINE void eigen_operations::head_log_probs(const_matrix_view x, const weight& w,
                                                     const float* bias,
                                                     std::span<const packed_prediction> predictions,
                                                     std::span<const std::size_t> by_row,
                                                     array& logits, std::span<float> log_sums,
                                                     std::span<float> log_probs) {
  detail::head_log_probs(x, w, bias, predictions, by_row, logits, log_sums, log_probs);
}

PREFOPT_INLINE void eigen_operations::head_backward(
    const_matrix_view x, const weight& w, const float* bias, const_matrix_view values,
    std::span<const packed_prediction> predictions, std::span<const std::size_t> by_row,
    std::span<const float> log_sums, std::span<const float> weights, array& logits, matrix_view dx,
    matrix_view dweight, float* dbias) {
  detail::head_backward(x, w, bias, values, predictions, by_row, log_sums, weights, logits, dx,
                        dweight, dbias);
}

PREFOPT_INLINE void eigen_operations::draw_tokens(const_matrix_view logits, const draw_options& how,
                                                  std::span<const double> uniforms,
                                                  std::span<sampled_token> drawn) {
  detail::draw_tokens(logits, how, uniforms, drawn);
}

PREFOPT_INLINE void eigen_operations::read(const_matrix_view from, std::span<float> to) {
  std::copy_n(from.data, to.size(), to.data());
}

PREFOPT_INLINE void eigen_operations::write(std::span<const float> from, matrix_view to) {
  std::copy_n(from.data(), from.size(), to.data);
}

}  // namespace prefopt
