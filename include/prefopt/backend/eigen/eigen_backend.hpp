#pragma once

#include <cstddef>
#include <span>

#include <prefopt/backend/compute_backend.hpp>
#include <prefopt/backend/eigen/array.hpp>
#include <prefopt/backend/eigen/packed_weight.hpp>
#include <prefopt/backend/product_kind.hpp>
#include <prefopt/backend/profiled.hpp>

namespace prefopt {

/// Whether products in bfloat16 are computed by instructions for it; if not, floats are multiplied.
bool has_bfloat16_instructions();

/// What `eigen_backend` is made of; unmeasured.
struct eigen_operations {
  using array = host_array;
  using parameter_array = host_array;
  using weight = packed_weight;

  /// In which numbers products with weights are from now on, in this process: float32 or bfloat16,
  /// by the processor's instructions for it where `has_bfloat16_instructions()`. Attention stays in
  /// float32. Throws `usage_error` for tf32, which is CUDA's. Weights keep the numbers that they
  /// were packed in.
  static void use_products(product_kind kind);
  static product_kind products();

  static void linear(const_matrix_view x, const weight& w, const float* bias, matrix_view y);

  static void linear_backward(const_matrix_view x, const_matrix_view values, const_matrix_view dy,
                              matrix_view dx, bool accumulate, matrix_view dweight, float* dbias);

  static void norm(norm_kind kind, const_matrix_view x, const float* weight, const float* bias,
                   float epsilon, matrix_view y);
  static void norm_backward(norm_kind kind, const_matrix_view x, const float* weight, float epsilon,
                            const_matrix_view dy, matrix_view dx, float* dweight, float* dbias);

  static void activate(activation_kind kind, const_matrix_view up, const_matrix_view gate,
                       matrix_view y);
  static void activate_backward(activation_kind kind, const_matrix_view up, const_matrix_view gate,
                                const_matrix_view dy, matrix_view dup, matrix_view dgate);

  static void add(matrix_view x, const_matrix_view y);
  static void scale(matrix_view x, float factor);
  static void copy(const_matrix_view from, matrix_view to);
  static void fill(matrix_view x, float value);

  static void embed(std::span<const token_id> tokens, std::span<const std::size_t> positions,
                    const_matrix_view table, const_matrix_view position_table, matrix_view y);
  static void embed_backward(std::span<const token_id> tokens,
                             std::span<const std::size_t> positions, const_matrix_view dy,
                             matrix_view dtable, matrix_view dposition_table);

  static void rotate(matrix_view qkv, std::span<const std::size_t> positions,
                     const attention_shape& shape, const rotation& by, float direction);
  static void norm_heads(const_matrix_view x, const attention_shape& shape,
                         const float* query_weight, const float* key_weight, float epsilon,
                         matrix_view y);
  static void norm_heads_backward(const_matrix_view x, const attention_shape& shape,
                                  const float* query_weight, const float* key_weight, float epsilon,
                                  matrix_view dy, float* dquery_weight, float* dkey_weight);
  static void attend(const packed_batch& batch, const attention_shape& shape, const_matrix_view qkv,
                     matrix_view context);
  static void attend_backward(const packed_batch& batch, const attention_shape& shape,
                              const_matrix_view qkv, const_matrix_view dcontext, matrix_view dqkv);
  static void attend_cached(std::span<const decode_context> rows, const attention_shape& shape,
                            const_matrix_view qkv, matrix_view context);
  static void append_cache(const_matrix_view qkv, const attention_shape& shape,
                           std::span<float* const> places);

  static void gather_rows(const_matrix_view x, std::span<const std::size_t> rows, matrix_view y);
  static void scatter_rows(const_matrix_view dy, std::span<const std::size_t> rows, matrix_view dx);

  static void head_log_probs(const_matrix_view x, const weight& w, const float* bias,
                             std::span<const packed_prediction> predictions,
                             std::span<const std::size_t> by_row, array& logits,
                             std::span<float> log_sums, std::span<float> log_probs);
  static void head_backward(const_matrix_view x, const weight& w, const float* bias,
                            const_matrix_view values,
                            std::span<const packed_prediction> predictions,
                            std::span<const std::size_t> by_row, std::span<const float> log_sums,
                            std::span<const float> weights, array& logits, matrix_view dx,
                            matrix_view dweight, float* dbias);

  static void draw_tokens(const_matrix_view logits, const draw_options& how,
                          std::span<const double> uniforms, std::span<sampled_token> drawn);

  static void synchronize() {}  // every operation is done when it returns
  static void read(const_matrix_view from, std::span<float> to);
  static void write(std::span<const float> from, matrix_view to);
};

/// The CPU: arrays in host memory, threads by OpenMP, products of our own, the rest on Eigen. The
/// operations are those of `compute_backend`, where their shapes are written.
struct eigen_backend : profiled<eigen_operations> {};

static_assert(compute_backend<eigen_backend>);

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/backend/eigen/eigen_backend.ipp>
#endif
