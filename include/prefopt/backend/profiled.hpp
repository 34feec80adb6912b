#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include <prefopt/backend/compute_backend.hpp>
#include <prefopt/backend/operation_profile.hpp>

namespace prefopt {

/// A backend's operations, each measured while `profile` runs, until the device has done it. A
/// backend derives from this.
template <class Operations>
struct profiled : Operations {
  using array = typename Operations::array;
  using weight = typename Operations::weight;

  static void linear(const_matrix_view x, const weight& w, const float* bias, matrix_view y) {
    run("products, forward", product(1, x.rows, x.columns, y.columns),
        [&] { Operations::linear(x, w, bias, y); });
  }
  static void linear_backward(const_matrix_view x, const_matrix_view values, const_matrix_view dy,
                              matrix_view dx, bool accumulate, matrix_view dweight, float* dbias) {
    run("products, gradients",
        product(dweight.data == nullptr ? 1 : 2, dy.rows, values.columns, dy.columns),
        [&] { Operations::linear_backward(x, values, dy, dx, accumulate, dweight, dbias); });
  }

  static void norm(norm_kind kind, const_matrix_view x, const float* weight, const float* bias,
                   float epsilon, matrix_view y) {
    run("norms", moved(2 * x.size()), [&] { Operations::norm(kind, x, weight, bias, epsilon, y); });
  }
  static void norm_backward(norm_kind kind, const_matrix_view x, const float* weight, float epsilon,
                            const_matrix_view dy, matrix_view dx, float* dweight, float* dbias) {
    run("norms' gradients", moved(4 * x.size()),
        [&] { Operations::norm_backward(kind, x, weight, epsilon, dy, dx, dweight, dbias); });
  }

  static void activate(activation_kind kind, const_matrix_view up, const_matrix_view gate,
                       matrix_view y) {
    run("activations", moved((gate.data == nullptr ? 2 : 3) * up.size()),
        [&] { Operations::activate(kind, up, gate, y); });
  }
  static void activate_backward(activation_kind kind, const_matrix_view up, const_matrix_view gate,
                                const_matrix_view dy, matrix_view dup, matrix_view dgate) {
    run("activations' gradients", moved((gate.data == nullptr ? 3 : 5) * up.size()),
        [&] { Operations::activate_backward(kind, up, gate, dy, dup, dgate); });
  }

  static void add(matrix_view x, const_matrix_view y) {
    run("residuals", moved(3 * x.size()), [&] { Operations::add(x, y); });
  }
  static void scale(matrix_view x, float factor) {
    run("scales", moved(2 * x.size()), [&] { Operations::scale(x, factor); });
  }
  static void copy(const_matrix_view from, matrix_view to) {
    run("copies", moved(2 * from.size()), [&] { Operations::copy(from, to); });
  }
  static void fill(matrix_view x, float value) {
    run("fills", moved(x.size()), [&] { Operations::fill(x, value); });
  }

  static void embed(std::span<const token_id> tokens, std::span<const std::size_t> positions,
                    const_matrix_view table, const_matrix_view position_table, matrix_view y) {
    run("embedding", moved(2 * y.size()),
        [&] { Operations::embed(tokens, positions, table, position_table, y); });
  }
  static void embed_backward(std::span<const token_id> tokens,
                             std::span<const std::size_t> positions, const_matrix_view dy,
                             matrix_view dtable, matrix_view dposition_table) {
    run("embedding's gradient", moved(3 * dy.size()),
        [&] { Operations::embed_backward(tokens, positions, dy, dtable, dposition_table); });
  }

  static void rotate(matrix_view qkv, std::span<const std::size_t> positions,
                     const attention_shape& shape, const rotation& by, float direction) {
    run("rotation", moved(2 * qkv.size()),
        [&] { Operations::rotate(qkv, positions, shape, by, direction); });
  }
  static void norm_heads(const_matrix_view x, const attention_shape& shape,
                         const float* query_weight, const float* key_weight, float epsilon,
                         matrix_view y) {
    run("norms", moved(2 * x.size()),
        [&] { Operations::norm_heads(x, shape, query_weight, key_weight, epsilon, y); });
  }
  static void norm_heads_backward(const_matrix_view x, const attention_shape& shape,
                                  const float* query_weight, const float* key_weight, float epsilon,
                                  matrix_view dy, float* dquery_weight, float* dkey_weight) {
    run("norms' gradients", moved(4 * x.size()), [&] {
      Operations::norm_heads_backward(x, shape, query_weight, key_weight, epsilon, dy,
                                      dquery_weight, dkey_weight);
    });
  }

  static void attend(const packed_batch& batch, const attention_shape& shape, const_matrix_view qkv,
                     matrix_view context) {
    run("attention", moved(qkv.size() + context.size()),
        [&] { Operations::attend(batch, shape, qkv, context); });
  }
  static void attend_backward(const packed_batch& batch, const attention_shape& shape,
                              const_matrix_view qkv, const_matrix_view dcontext, matrix_view dqkv) {
    run("attention's gradient", moved(qkv.size() + dcontext.size() + dqkv.size()),
        [&] { Operations::attend_backward(batch, shape, qkv, dcontext, dqkv); });
  }
  static void attend_cached(std::span<const decode_context> rows, const attention_shape& shape,
                            const_matrix_view qkv, matrix_view context) {
    run("attention over the cache", moved(cached(rows, shape)),
        [&] { Operations::attend_cached(rows, shape, qkv, context); });
  }
  static void append_cache(const_matrix_view qkv, const attention_shape& shape,
                           std::span<float* const> places) {
    run("cache", moved(2 * qkv.size()), [&] { Operations::append_cache(qkv, shape, places); });
  }

  static void gather_rows(const_matrix_view x, std::span<const std::size_t> rows, matrix_view y) {
    run("rows", moved(2 * y.size()), [&] { Operations::gather_rows(x, rows, y); });
  }
  static void scatter_rows(const_matrix_view dy, std::span<const std::size_t> rows,
                           matrix_view dx) {
    run("rows", moved(3 * dy.size()), [&] { Operations::scatter_rows(dy, rows, dx); });
  }

  static void head_log_probs(const_matrix_view x, const weight& w, const float* bias,
                             std::span<const packed_prediction> predictions,
                             std::span<const std::size_t> by_row, array& logits,
                             std::span<float> log_sums, std::span<float> log_probs) {
    run("log-probs", product(1, x.rows, x.columns, w.outputs()), [&] {
      Operations::head_log_probs(x, w, bias, predictions, by_row, logits, log_sums, log_probs);
    });
  }
  static void head_backward(const_matrix_view x, const weight& w, const float* bias,
                            const_matrix_view values,
                            std::span<const packed_prediction> predictions,
                            std::span<const std::size_t> by_row, std::span<const float> log_sums,
                            std::span<const float> weights, array& logits, matrix_view dx,
                            matrix_view dweight, float* dbias) {
    run("log-probs' gradient",
        product(dweight.data == nullptr ? 2 : 3, x.rows, x.columns, w.outputs()), [&] {
          Operations::head_backward(x, w, bias, values, predictions, by_row, log_sums, weights,
                                    logits, dx, dweight, dbias);
        });
  }

  static void draw_tokens(const_matrix_view logits, const draw_options& how,
                          std::span<const double> uniforms, std::span<sampled_token> drawn) {
    run("draws", moved(2 * logits.size()),
        [&] { Operations::draw_tokens(logits, how, uniforms, drawn); });
  }

 private:
  /// `count` products of (rows, depth) and (depth, columns); their bytes depend on the numbers that
  /// factors are kept in, and are not counted.
  static operation_work product(int count, std::size_t rows, std::size_t depth,
                                std::size_t columns) {
    return {2 * count * number(rows) * number(depth) * number(columns), 0};
  }
  static operation_work moved(std::size_t floats) { return {0, 4 * number(floats)}; }
  /// Keys and values that rows look at.
  static std::size_t cached(std::span<const decode_context> rows, const attention_shape& shape) {
    std::size_t seen = 0;
    for (const decode_context& row : rows) seen += row.prompt_length + row.own_length;
    return 2 * seen * shape.kv_heads * shape.head_width;
  }
  static double number(std::size_t count) { return static_cast<double>(count); }
  template <class Body>
  static void run(std::string_view name, const operation_work& work, Body&& body) {
    profile.measure(name, work, body, [] { Operations::synchronize(); });
  }
};

/// weight.pack(values), measured.
template <class Backend>
void prepare_for_products(typename Backend::weight& weight, const_matrix_view values) {
  profile.measure(
      "weights for products", {}, [&] { weight.pack(values); }, [] { Backend::synchronize(); });
}

}  // namespace prefopt
