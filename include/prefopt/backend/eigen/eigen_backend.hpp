#pragma once

#include <algorithm>
#include <cstddef>
#include <span>

#include <prefopt/backend/compute_backend.hpp>
#include <prefopt/backend/eigen/array.hpp>
#include <prefopt/backend/eigen/attention.hpp>
#include <prefopt/backend/eigen/bias.hpp>
#include <prefopt/backend/eigen/decode.hpp>
#include <prefopt/backend/eigen/draw.hpp>
#include <prefopt/backend/eigen/elementwise.hpp>
#include <prefopt/backend/eigen/head.hpp>
#include <prefopt/backend/eigen/norm.hpp>
#include <prefopt/backend/eigen/norm_heads.hpp>
#include <prefopt/backend/eigen/packed_weight.hpp>
#include <prefopt/backend/eigen/product.hpp>
#include <prefopt/backend/eigen/product_operands.hpp>
#include <prefopt/backend/eigen/rotate.hpp>
#include <prefopt/backend/eigen/threads.hpp>
#include <prefopt/backend/product_kind.hpp>
#include <prefopt/backend/profiled.hpp>
#include <prefopt/core/error.hpp>

namespace prefopt {

/// Whether products in bfloat16 are computed by instructions for it; if not, floats are multiplied.
#ifdef __AVX512BF16__
inline constexpr bool has_bfloat16_instructions = true;
#else
inline constexpr bool has_bfloat16_instructions = false;
#endif

/// What `eigen_backend` is made of; unmeasured.
struct eigen_operations {
  using array = host_array;
  using parameter_array = host_array;
  using weight = packed_weight;

  /// In which numbers products with weights are from now on, in this process: float32 or bfloat16,
  /// by the processor's instructions for it where `has_bfloat16_instructions`. Attention stays in
  /// float32. Throws `usage_error` for tf32, which is CUDA's. Weights keep the numbers that they
  /// were packed in.
  static void use_products(product_kind kind) {
    if (kind == product_kind::tf32) {
      throw usage_error("products in tf32 are for CUDA; the CPU has float32 and bfloat16");
    }
    detail::products_in = kind;
  }
  static product_kind products() { return detail::products_in; }

  static void linear(const_matrix_view x, const weight& w, const float* bias, matrix_view y) {
    w.multiply(x, y);
    detail::add_bias(bias, y);
  }

  static void linear_backward(const_matrix_view x, const_matrix_view values, const_matrix_view dy,
                              matrix_view dx, bool accumulate, matrix_view dweight, float* dbias) {
    detail::product(dy, values, dx, accumulate);
    detail::add_transposed_product(dy, x, dweight);
    detail::add_column_sums(dy, dbias);
  }

  static void norm(norm_kind kind, const_matrix_view x, const float* weight, const float* bias,
                   float epsilon, matrix_view y) {
    detail::norm_forward(x, weight, bias, epsilon, kind == norm_kind::layer, y);
  }
  static void norm_backward(norm_kind kind, const_matrix_view x, const float* weight, float epsilon,
                            const_matrix_view dy, matrix_view dx, float* dweight, float* dbias) {
    detail::norm_backward(x, weight, epsilon, kind == norm_kind::layer, dy, dx, dweight, dbias);
  }

  static void activate(activation_kind kind, const_matrix_view up, const_matrix_view gate,
                       matrix_view y) {
    detail::activate(kind, up, gate, y);
  }
  static void activate_backward(activation_kind kind, const_matrix_view up, const_matrix_view gate,
                                const_matrix_view dy, matrix_view dup, matrix_view dgate) {
    detail::activate_backward(kind, up, gate, dy, dup, dgate);
  }

  static void add(matrix_view x, const_matrix_view y) { detail::add(x, y); }
  static void scale(matrix_view x, float factor) {
    for (std::size_t i = 0; i < x.size(); ++i) x.data[i] *= factor;
  }
  static void copy(const_matrix_view from, matrix_view to) {
    std::copy_n(from.data, from.size(), to.data);
  }
  static void fill(matrix_view x, float value) { std::fill_n(x.data, x.size(), value); }

  static void embed(std::span<const token_id> tokens, std::span<const std::size_t> positions,
                    const_matrix_view table, const_matrix_view position_table, matrix_view y) {
    detail::embed(tokens, positions, table, position_table, y);
  }
  static void embed_backward(std::span<const token_id> tokens,
                             std::span<const std::size_t> positions, const_matrix_view dy,
                             matrix_view dtable, matrix_view dposition_table) {
    detail::embed_backward(tokens, positions, dy, dtable, dposition_table);
  }

  static void rotate(matrix_view qkv, std::span<const std::size_t> positions,
                     const attention_shape& shape, const rotation& by, float direction) {
    detail::rotate(qkv, positions, shape, by, direction);
  }
  static void norm_heads(const_matrix_view x, const attention_shape& shape,
                         const float* query_weight, const float* key_weight, float epsilon,
                         matrix_view y) {
    detail::norm_heads(x, shape, query_weight, key_weight, epsilon, y);
  }
  static void norm_heads_backward(const_matrix_view x, const attention_shape& shape,
                                  const float* query_weight, const float* key_weight, float epsilon,
                                  matrix_view dy, float* dquery_weight, float* dkey_weight) {
    detail::norm_heads_backward(x, shape, query_weight, key_weight, epsilon, dy, dquery_weight,
                                dkey_weight);
  }
  static void attend(const packed_batch& batch, const attention_shape& shape, const_matrix_view qkv,
                     matrix_view context) {
    detail::attend(batch, shape, qkv, context);
  }
  static void attend_backward(const packed_batch& batch, const attention_shape& shape,
                              const_matrix_view qkv, const_matrix_view dcontext, matrix_view dqkv) {
    detail::attend_backward(batch, shape, qkv, dcontext, dqkv);
  }
  static void attend_cached(std::span<const decode_context> rows, const attention_shape& shape,
                            const_matrix_view qkv, matrix_view context) {
    detail::attend_cached(rows, shape, qkv, context);
  }
  static void append_cache(const_matrix_view qkv, const attention_shape& shape,
                           std::span<float* const> places) {
    for (std::size_t r = 0; r < places.size(); ++r) {
      std::copy_n(qkv.row(r) + shape.key_column(0), 2 * shape.kv_heads * shape.head_width,
                  places[r]);
    }
  }

  static void gather_rows(const_matrix_view x, std::span<const std::size_t> rows, matrix_view y) {
    for (std::size_t i = 0; i < rows.size(); ++i) std::copy_n(x.row(rows[i]), x.columns, y.row(i));
  }
  static void scatter_rows(const_matrix_view dy, std::span<const std::size_t> rows,
                           matrix_view dx) {
    for (std::size_t i = 0; i < rows.size(); ++i) {
      float* to = dx.row(rows[i]);
      for (std::size_t c = 0; c < dy.columns; ++c) to[c] += dy.row(i)[c];
    }
  }

  static void head_log_probs(const_matrix_view x, const weight& w, const float* bias,
                             std::span<const packed_prediction> predictions,
                             std::span<const std::size_t> by_row, array& logits,
                             std::span<float> log_sums, std::span<float> log_probs) {
    detail::head_log_probs(x, w, bias, predictions, by_row, logits, log_sums, log_probs);
  }
  static void head_backward(const_matrix_view x, const weight& w, const float* bias,
                            const_matrix_view values,
                            std::span<const packed_prediction> predictions,
                            std::span<const std::size_t> by_row, std::span<const float> log_sums,
                            std::span<const float> weights, array& logits, matrix_view dx,
                            matrix_view dweight, float* dbias) {
    detail::head_backward(x, w, bias, values, predictions, by_row, log_sums, weights, logits, dx,
                          dweight, dbias);
  }

  static void draw_tokens(const_matrix_view logits, const draw_options& how,
                          std::span<const double> uniforms, std::span<sampled_token> drawn) {
    detail::draw_tokens(logits, how, uniforms, drawn);
  }

  static void synchronize() {}  // every operation is done when it returns
  static void read(const_matrix_view from, std::span<float> to) {
    std::copy_n(from.data, to.size(), to.data());
  }
  static void write(std::span<const float> from, matrix_view to) {
    std::copy_n(from.data(), from.size(), to.data);
  }
};

/// The CPU: arrays in host memory, threads by OpenMP, products of our own, the rest on Eigen. The
/// operations are those of `compute_backend`, where their shapes are written.
struct eigen_backend : profiled<eigen_operations> {};

static_assert(compute_backend<eigen_backend>);

}  // namespace prefopt
