#pragma once

#include <concepts>
#include <cstddef>
#include <span>

#include <prefopt/backend/attention_shape.hpp>
#include <prefopt/backend/draw_options.hpp>
#include <prefopt/backend/kinds.hpp>
#include <prefopt/backend/matrix_view.hpp>
#include <prefopt/backend/packed_batch.hpp>
#include <prefopt/backend/product_kind.hpp>
#include <prefopt/backend/rotation.hpp>
#include <prefopt/backend/sampled_token.hpp>
#include <prefopt/data/token.hpp>

namespace prefopt {

/// Where a transformer's arrays live and the operations on them, each with its gradient.
/// `transformer<Backend>` is written once over this; it never looks into an array.
///
/// Shapes: T rows of a packed batch, R rows that decode, U rows of the head, D width, F hidden, V
/// vocabulary, Q = (heads + 2 kv_heads) * head_width, C = heads * head_width. Views are row-major.
/// Gradients of inputs named `dx` are written, or added to where it is said; gradients of
/// parameters are always added to, and not computed where their view is empty or null.
///
/// 1. `Backend::array` owns floats in the backend's memory: `resize(n)`, `as(rows, columns)` gives
///    a view (growing if need be), `data()`, `size()`; fresh memory reads as 0.
/// 2. `Backend::weight` is a matrix (outputs, inputs) prepared for products: `pack(view)` after its
///    values changed, `empty()`, `clear()`.
/// 3. `linear(x, weight, bias, y)`: y (rows, outputs) = x W^T + bias, bias null or (outputs). Each
///    row's result depends, to the last bit, on that row alone.
/// 4. `linear_backward(x, values, dy, dx, accumulate, dweight, dbias)`: dx (=|+=) dy W, dW += dy^T
///    x, db += column sums of dy; values is the plain (outputs, inputs) matrix, dbias may be null.
/// 5. `norm(kind, x, weight, bias, epsilon, y)` and `norm_backward(kind, x, weight, epsilon, dy,
///    dx, dweight, dbias)`, which adds to dx.
/// 6. `activate(kind, up, gate, y)`: act(up), or act(gate) * up where gate is not null;
///    `activate_backward(kind, up, gate, dy, dup, dgate)`, dup may be dy.
/// 7. `add(x, y)`: x += y. `scale(x, factor)`: x *= factor. `copy(from, to)`. `fill(x, value)`.
/// 8. `embed(tokens, positions, table, position_table, y)`, `embed_backward(tokens, positions, dy,
///    dtable, dposition_table)`; the position table may be null.
/// 9. `rotate(qkv, positions, shape, rotation, direction)`, queries and keys in place; direction -1
///    is its gradient.
/// 10. `norm_heads(x, shape, query_weight, key_weight, epsilon, y)`: y is x (T, Q) with RMS norm of
///    every query and every key head by itself, weights (head_width) each; values are copied.
///    `norm_heads_backward(x, shape, query_weight, key_weight, epsilon, dy, dquery_weight,
///    dkey_weight)` turns dy, in place, into dx.
/// 11. `attend(batch, shape, qkv, context)` over the packed segments, and `attend_backward(batch,
///    shape, qkv, dcontext, dqkv)`. Which rows a row sees is in `shape`; a prefix is seen by every
///    row of the segments that continue it, as far as the window reaches.
/// 12. `attend_cached(rows, shape, qkv, context)` for one new token a row, and `append_cache(qkv,
///    shape, to)`, which copies each row's keys and values to its place in a cache. Causal shapes
///    only.
/// 13. `gather_rows(x, rows, y)`: y[i] = x[rows[i]]; `scatter_rows(dy, rows, dx)`: dx[rows[i]] +=
///    dy[i].
/// 14. `head_log_probs(x, weight, bias, predictions, by_row, logits, log_sums, log_probs)` and
///    `head_backward(...)`: token log-probs from x (U, D) in chunks, logits (U, V) never whole;
///    bias (V) and its gradient, the last argument, may be null.
/// 15. `read(view, host)` copies to host memory, `write(host, view)` from it. `write` is done with
///    the host's memory on return.
/// 16. `Backend::parameter_array` is an array in memory that the host can use too: that of
///    parameters and gradients. An operation may still be under way when it has returned;
///    `synchronize()` waits until all are done, and then the host may look.
/// 17. `draw_tokens(logits, how, uniforms, drawn)`: drawn[r], the host's, is the token that
///     `token_sampler` picks from row r of the logits (R, V) with uniforms[r] in [0, 1), and its
///     log-prob; `no_token` where a logit of the row is NaN or infinite.
/// 18. `products()`: the numbers that products with weights are in from now on, a `product_kind`.
template <class Backend>
concept compute_backend = requires(
    typename Backend::array array, typename Backend::weight weight, matrix_view m,
    const_matrix_view c, const float* vector, float* out, float number, const rotation& turn,
    bool flag, std::span<const token_id> tokens, std::span<const std::size_t> indices,
    const packed_batch& batch, const attention_shape& shape,
    std::span<const decode_context> contexts, std::span<float* const> places,
    std::span<float> floats, std::span<const float> weights,
    std::span<const packed_prediction> predictions, const draw_options& how,
    std::span<const double> uniforms, std::span<sampled_token> drawn) {
  requires std::copyable<typename Backend::array>;
  requires std::copyable<typename Backend::parameter_array>;
  { array.as(std::size_t{}, std::size_t{}) } -> std::same_as<matrix_view>;
  weight.pack(c);
  { weight.empty() } -> std::same_as<bool>;
  Backend::linear(c, weight, vector, m);
  Backend::linear_backward(c, c, c, m, flag, m, out);
  Backend::norm(norm_kind::rms, c, vector, vector, number, m);
  Backend::norm_backward(norm_kind::rms, c, vector, number, c, m, out, out);
  Backend::activate(activation_kind::silu, c, c, m);
  Backend::activate_backward(activation_kind::silu, c, c, c, m, m);
  Backend::add(m, c);
  Backend::scale(m, number);
  Backend::copy(c, m);
  Backend::fill(m, number);
  Backend::embed(tokens, indices, c, c, m);
  Backend::embed_backward(tokens, indices, c, m, m);
  Backend::rotate(m, indices, shape, turn, number);
  Backend::norm_heads(c, shape, vector, vector, number, m);
  Backend::norm_heads_backward(c, shape, vector, vector, number, m, out, out);
  Backend::attend(batch, shape, c, m);
  Backend::attend_backward(batch, shape, c, c, m);
  Backend::attend_cached(contexts, shape, c, m);
  Backend::append_cache(c, shape, places);
  Backend::gather_rows(c, indices, m);
  Backend::scatter_rows(c, indices, m);
  Backend::head_log_probs(c, weight, vector, predictions, indices, array, floats, floats);
  Backend::head_backward(c, weight, vector, c, predictions, indices, weights, weights, array, m, m,
                         out);
  Backend::read(c, floats);
  Backend::write(weights, m);
  Backend::synchronize();
  Backend::draw_tokens(c, how, uniforms, drawn);
  { Backend::products() } -> std::same_as<product_kind>;
};

}  // namespace prefopt
