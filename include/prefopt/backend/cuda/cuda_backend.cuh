#pragma once

#include <cstddef>
#include <span>

#include <prefopt/backend/compute_backend.hpp>
#include <prefopt/backend/cuda/activation.cuh>
#include <prefopt/backend/cuda/array.cuh>
#include <prefopt/backend/cuda/attend.cuh>
#include <prefopt/backend/cuda/context.cuh>
#include <prefopt/backend/cuda/decode.cuh>
#include <prefopt/backend/cuda/draw.cuh>
#include <prefopt/backend/cuda/elementwise.cuh>
#include <prefopt/backend/cuda/embed.cuh>
#include <prefopt/backend/cuda/head.cuh>
#include <prefopt/backend/cuda/linear.cuh>
#include <prefopt/backend/cuda/norm.cuh>
#include <prefopt/backend/cuda/norm_heads.cuh>
#include <prefopt/backend/cuda/product_kind.cuh>
#include <prefopt/backend/cuda/rotate.cuh>
#include <prefopt/backend/cuda/rows.cuh>
#include <prefopt/backend/cuda/weight.cuh>
#include <prefopt/backend/profiled.hpp>

namespace prefopt {

/// What `cuda_backend` is made of; unmeasured.
struct cuda_operations {
  using array = cuda_array;
  using parameter_array = cuda_managed_array;
  using weight = cuda_weight;

  /// In which numbers products are computed. For weights that are packed from now on.
  static void use_products(product_kind kind) { gpu::products.kind = kind; }
  static product_kind products() { return gpu::products.kind; }

  static void synchronize() { gpu::context::current().synchronize(); }

  static void linear(const_matrix_view x, const weight& w, const float* bias, matrix_view y) {
    gpu::linear(x, w, bias, y);
  }
  static void linear_backward(const_matrix_view x, const_matrix_view values, const_matrix_view dy,
                              matrix_view dx, bool accumulate, matrix_view dweight, float* dbias) {
    gpu::linear_backward(x, values, dy, dx, accumulate, dweight, dbias);
  }

  static void norm(norm_kind kind, const_matrix_view x, const float* weight, const float* bias,
                   float epsilon, matrix_view y) {
    gpu::norm(kind, x, weight, bias, epsilon, y);
  }
  static void norm_backward(norm_kind kind, const_matrix_view x, const float* weight, float epsilon,
                            const_matrix_view dy, matrix_view dx, float* dweight, float* dbias) {
    gpu::norm_backward(kind, x, weight, epsilon, dy, dx, dweight, dbias);
  }

  static void activate(activation_kind kind, const_matrix_view up, const_matrix_view gate,
                       matrix_view y) {
    gpu::activate(kind, up, gate, y);
  }
  static void activate_backward(activation_kind kind, const_matrix_view up, const_matrix_view gate,
                                const_matrix_view dy, matrix_view dup, matrix_view dgate) {
    gpu::activate_backward(kind, up, gate, dy, dup, dgate);
  }

  static void add(matrix_view x, const_matrix_view y) { gpu::add(x, y); }
  static void scale(matrix_view x, float factor) { gpu::scale(x, factor); }
  static void copy(const_matrix_view from, matrix_view to) { gpu::copy(from, to); }
  static void fill(matrix_view x, float value) { gpu::fill(x, value); }

  static void embed(std::span<const token_id> tokens, std::span<const std::size_t> positions,
                    const_matrix_view table, const_matrix_view position_table, matrix_view y) {
    gpu::embed(tokens, positions, table, position_table, y);
  }
  static void embed_backward(std::span<const token_id> tokens,
                             std::span<const std::size_t> positions, const_matrix_view dy,
                             matrix_view dtable, matrix_view dposition_table) {
    gpu::embed_backward(tokens, positions, dy, dtable, dposition_table);
  }

  static void rotate(matrix_view qkv, std::span<const std::size_t> positions,
                     const attention_shape& shape, const rotation& by, float direction) {
    gpu::rotate(qkv, positions, shape, by, direction);
  }
  static void norm_heads(const_matrix_view x, const attention_shape& shape,
                         const float* query_weight, const float* key_weight, float epsilon,
                         matrix_view y) {
    gpu::norm_heads(x, shape, query_weight, key_weight, epsilon, y);
  }
  static void norm_heads_backward(const_matrix_view x, const attention_shape& shape,
                                  const float* query_weight, const float* key_weight, float epsilon,
                                  matrix_view dy, float* dquery_weight, float* dkey_weight) {
    gpu::norm_heads_backward(x, shape, query_weight, key_weight, epsilon, dy, dquery_weight,
                             dkey_weight);
  }
  static void attend(const packed_batch& batch, const attention_shape& shape, const_matrix_view qkv,
                     matrix_view context) {
    gpu::attend(batch, shape, qkv, context);
  }
  static void attend_backward(const packed_batch& batch, const attention_shape& shape,
                              const_matrix_view qkv, const_matrix_view dcontext, matrix_view dqkv) {
    gpu::attend_backward(batch, shape, qkv, dcontext, dqkv);
  }
  static void attend_cached(std::span<const decode_context> rows, const attention_shape& shape,
                            const_matrix_view qkv, matrix_view context) {
    gpu::attend_cached(rows, shape, qkv, context);
  }
  static void append_cache(const_matrix_view qkv, const attention_shape& shape,
                           std::span<float* const> places) {
    gpu::append_cache(qkv, shape, places);
  }

  static void gather_rows(const_matrix_view x, std::span<const std::size_t> rows, matrix_view y) {
    gpu::gather_rows(x, rows, y);
  }
  static void scatter_rows(const_matrix_view dy, std::span<const std::size_t> rows,
                           matrix_view dx) {
    gpu::scatter_rows(dy, rows, dx);
  }

  static void head_log_probs(const_matrix_view x, const weight& w, const float* bias,
                             std::span<const packed_prediction> predictions,
                             std::span<const std::size_t> by_row, array& logits,
                             std::span<float> log_sums, std::span<float> log_probs) {
    gpu::head_log_probs(x, w, bias, predictions, by_row, logits, log_sums, log_probs);
  }
  static void head_backward(const_matrix_view x, const weight& w, const float* bias,
                            const_matrix_view values,
                            std::span<const packed_prediction> predictions,
                            std::span<const std::size_t> by_row, std::span<const float> log_sums,
                            std::span<const float> weights, array& logits, matrix_view dx,
                            matrix_view dweight, float* dbias) {
    gpu::head_backward(x, w, bias, values, predictions, by_row, log_sums, weights, logits, dx,
                       dweight, dbias);
  }

  static void draw_tokens(const_matrix_view logits, const draw_options& how,
                          std::span<const double> uniforms, std::span<sampled_token> drawn) {
    gpu::draw_tokens(logits, how, uniforms, drawn);
  }

  static void read(const_matrix_view from, std::span<float> to) {
    gpu::context::current().read(to.data(), from.data, to.size_bytes());
  }
  static void write(std::span<const float> from, matrix_view to) {
    gpu::context::current().write(to.data, from.data(), from.size_bytes());
  }
};

/// One CUDA device: arrays in its memory, products by cuBLASLt, the rest by kernels of our own, all
/// in one stream (`gpu::context`). The operations are those of `compute_backend`, where their
/// shapes are written. They return before the device has done them; errors of kernels come with a
/// later call. No sum is added up in an order that may change, so that the same calls give the same
/// bits on the same device. Sizes of rows and columns are below 2^31.
struct cuda_backend : profiled<cuda_operations> {};

static_assert(compute_backend<cuda_backend>);

}  // namespace prefopt
