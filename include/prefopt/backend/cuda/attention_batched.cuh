#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

#include <cuda_bf16.h>

#include <prefopt/backend/attention_shape.hpp>
#include <prefopt/backend/cuda/attention_heads.cuh>
#include <prefopt/backend/cuda/attention_pieces.cuh>
#include <prefopt/backend/cuda/attention_plan.cuh>
#include <prefopt/backend/cuda/attention_softmax.cuh>
#include <prefopt/backend/cuda/attention_tile.cuh>
#include <prefopt/backend/cuda/context.cuh>
#include <prefopt/backend/cuda/device.cuh>
#include <prefopt/backend/cuda/product.cuh>
#include <prefopt/backend/cuda/product_kind.cuh>
#include <prefopt/backend/cuda/temporary.cuh>
#include <prefopt/backend/matrix_view.hpp>
#include <prefopt/backend/packed_batch.hpp>

namespace prefopt::gpu {

// Attention by products. Of a piece, with M = group * rows (a key/value head's query heads stand
// end to end, and so are the rows of one matrix), N keys and width W, each of kv_heads products is
//     S (M, N) = Q K^T,  P = softmax(scale S),  O (M, W) = P V;
//     dP (M, N) = dO V^T,  dS as in `attention_softmax_gradient`,
//     dV (N, W) = P^T dO,  dQ (M, W) = dS K,  dK (N, W) = dS^T Q,
// so that the gradients of keys sum over the group by themselves. Over the pieces they are added in
// their order.

namespace detail {

/// One piece in the device's terms.
struct piece_layout {
  head_rows queries;  // also of O, dO and dQ, where `column` and `columns` are context's
  head_rows keys;     // also of values, where `column` is theirs
  score_rows scores;

  piece_layout(const attention_piece& piece, const attention_shape& shape)
      : scores{.layout = attention_layout(shape)} {
    const auto narrow = [](std::size_t x) { return static_cast<unsigned>(x); };
    keys.segment = attention_segment(piece.segment);
    keys.position = narrow(piece.keys.begin);
    keys.rows = narrow(piece.keys.size());
    keys.padded_rows = narrow(padded_keys(piece.keys.size()));
    keys.heads = narrow(piece.kv_heads);
    keys.column = narrow(shape.key_column(piece.first_kv));
    keys.width = narrow(shape.head_width);
    keys.padded_width = padded_head_width(shape.head_width);
    keys.columns = shape.columns();
    queries = keys;
    queries.position = narrow(piece.segment.prefix_length + piece.first);
    queries.rows = queries.padded_rows = narrow(piece.rows);
    queries.heads = narrow(piece.kv_heads * shape.group());
    queries.column = narrow(shape.query_column(piece.first_kv * shape.group()));
    scores.rows = queries.rows;
    scores.count = queries.rows * queries.heads;
    scores.position = queries.position;
    scores.first_key = keys.position;
    scores.keys = keys.rows;
    scores.columns = keys.padded_rows;
  }

  [[nodiscard]] head_rows values(const attention_shape& shape) const {
    head_rows at = keys;
    at.column += static_cast<unsigned>(shape.kv_heads * shape.head_width);
    return at;
  }
  [[nodiscard]] head_rows context(const attention_shape& shape) const {
    head_rows at = queries;  // a query head's column in qkv is that in context
    at.columns = shape.heads * shape.head_width;
    return at;
  }
};

/// The most that `size` is of one of the pieces.
template <class Size>
std::size_t largest(std::span<const piece_layout> pieces, Size size) {
  std::size_t most = 0;
  for (const piece_layout& piece : pieces) most = std::max(most, size(piece));
  return most;
}
inline std::size_t query_numbers(const piece_layout& piece) {
  return piece.queries.size();
}
inline std::size_t key_numbers(const piece_layout& piece) {
  return piece.keys.size();
}
inline std::size_t score_numbers(const piece_layout& piece) {
  return std::size_t{piece.scores.count} * piece.scores.columns;
}

/// Factors, scores and weights of a piece, and its products: `Number` is __nv_bfloat16 where
/// products are in that, otherwise float.
template <class Number>
struct piece_factors {
  explicit piece_factors(std::span<const piece_layout> pieces)
      : queries(largest(pieces, query_numbers)),
        keys(largest(pieces, key_numbers)),
        values(keys.size()),
        weights(largest(pieces, score_numbers)),
        scores(weights.size()) {}

  [[nodiscard]] product_factor rows_of(const piece_layout& piece, const Number* data) const {
    return {data, std::size_t{piece.scores.count} / piece.keys.heads, piece.queries.padded_width};
  }
  [[nodiscard]] product_factor keys_of(const piece_layout& piece, const Number* data) const {
    return {data, piece.keys.padded_rows, piece.keys.padded_width};
  }
  [[nodiscard]] product_factor scores_of(const piece_layout& piece, const Number* data) const {
    return {data, std::size_t{piece.scores.count} / piece.keys.heads, piece.scores.columns};
  }

  temporary<Number> queries, keys, values, weights;
  temporary<float> scores;
};

[[nodiscard]] inline product_factor transposed(product_factor factor) {
  factor.transposed = true;
  return factor;
}

template <class Number>
void multiply_heads(const piece_layout& piece, product_factor a, product_factor b, float* c,
                    batch_size changing) {
  constexpr bool narrow = sizeof(Number) == sizeof(__nv_bfloat16);
  const product_kind kind = narrow ? product_kind::bfloat16 : products.kind;
  multiply(kind, a, b, nullptr, false, c, changing, piece.keys.heads);
}

inline unsigned softmax_blocks(const piece_layout& piece) {
  return (piece.scores.count + softmax_warps - 1) / softmax_warps;
}

template <class Number>
std::vector<piece_layout> layouts_of(std::span<const packed_segment> segments,
                                     const attention_shape& shape, std::size_t matrices) {
  std::vector<piece_layout> layouts;
  for (const attention_piece& piece :
       cut_attention(segments, shape, matrices * (sizeof(float) + sizeof(Number)))) {
    layouts.emplace_back(piece, shape);
  }
  return layouts;
}

template <class Number>
void attend_batched(std::span<const packed_segment> segments, const attention_shape& shape,
                    const_matrix_view qkv, matrix_view context_matrix) {
  const std::vector<piece_layout> pieces = layouts_of<Number>(segments, shape, 1);
  const piece_factors<Number> of(pieces);
  const temporary<float> sums(of.queries.size());
  for (const piece_layout& piece : pieces) {
    using pad = pad_heads<Number>;
    launch_copies(pad{piece.queries, qkv.data, of.queries.data()},
                  pad{piece.keys, qkv.data, of.keys.data()},
                  pad{piece.values(shape), qkv.data, of.values.data()});
    multiply_heads<Number>(piece, of.rows_of(piece, of.queries.data()),
                           transposed(of.keys_of(piece, of.keys.data())), of.scores.data(),
                           batch_size::rows);
    launch(attention_softmax<Number>, softmax_blocks(piece), softmax_warps * warp_threads, 0,
           context::current().stream(), of.scores.data(), piece.scores, of.weights.data());
    multiply_heads<Number>(piece, of.scores_of(piece, of.weights.data()),
                           of.keys_of(piece, of.values.data()), sums.data(), batch_size::rows);
    launch_copies(unpad_heads{piece.context(shape), sums.data(), context_matrix.data});
  }
}

template <class Number>
void attend_backward_batched(std::span<const packed_segment> segments, const attention_shape& shape,
                             const_matrix_view qkv, const_matrix_view context_gradient,
                             matrix_view qkv_gradient) {
  const std::vector<piece_layout> pieces = layouts_of<Number>(segments, shape, 2);
  const piece_factors<Number> of(pieces);
  const temporary<Number> incoming(of.queries.size());
  const temporary<Number> score_gradients(of.weights.size());
  const temporary<float> slopes(of.scores.size());
  const temporary<float> dq(of.queries.size());
  const temporary<float> dk(of.keys.size());
  const temporary<float> dv(of.keys.size());
  for (const piece_layout& piece : pieces) {
    using pad = pad_heads<Number>;
    const product_factor q = of.rows_of(piece, of.queries.data());
    const product_factor k = of.keys_of(piece, of.keys.data());
    const product_factor v = of.keys_of(piece, of.values.data());
    const product_factor out = of.rows_of(piece, incoming.data());
    const product_factor p = of.scores_of(piece, of.weights.data());
    const product_factor ds = of.scores_of(piece, score_gradients.data());
    launch_copies(pad{piece.queries, qkv.data, of.queries.data()},
                  pad{piece.keys, qkv.data, of.keys.data()},
                  pad{piece.values(shape), qkv.data, of.values.data()},
                  pad{piece.context(shape), context_gradient.data, incoming.data()});
    multiply_heads<Number>(piece, q, transposed(k), of.scores.data(), batch_size::rows);
    multiply_heads<Number>(piece, out, transposed(v), slopes.data(), batch_size::rows);
    launch(attention_softmax_gradient<Number>, softmax_blocks(piece), softmax_warps * warp_threads,
           0, context::current().stream(), of.scores.data(), slopes.data(), piece.scores,
           of.weights.data(), score_gradients.data());
    multiply_heads<Number>(piece, transposed(p), out, dv.data(), batch_size::depth);
    multiply_heads<Number>(piece, ds, k, dq.data(), batch_size::rows);
    multiply_heads<Number>(piece, transposed(ds), q, dk.data(), batch_size::depth);
    launch_copies(unpad_heads{piece.queries, dq.data(), qkv_gradient.data, false},
                  unpad_heads{piece.keys, dk.data(), qkv_gradient.data, true},
                  unpad_heads{piece.values(shape), dv.data(), qkv_gradient.data, true});
  }
}

}  // namespace detail

/// `attend` for these segments of a batch, by products.
inline void attend_batched(std::span<const packed_segment> segments, const attention_shape& shape,
                           const_matrix_view qkv, matrix_view context) {
  if (products.kind == product_kind::bfloat16) {
    detail::attend_batched<__nv_bfloat16>(segments, shape, qkv, context);
  } else {
    detail::attend_batched<float>(segments, shape, qkv, context);
  }
}

/// `attend_backward` for these segments: writes the gradients of their queries, and adds those of
/// the keys and values that they see.
inline void attend_backward_batched(std::span<const packed_segment> segments,
                                    const attention_shape& shape, const_matrix_view qkv,
                                    const_matrix_view context_gradient, matrix_view qkv_gradient) {
  if (products.kind == product_kind::bfloat16) {
    detail::attend_backward_batched<__nv_bfloat16>(segments, shape, qkv, context_gradient,
                                                   qkv_gradient);
  } else {
    detail::attend_backward_batched<float>(segments, shape, qkv, context_gradient, qkv_gradient);
  }
}

}  // namespace prefopt::gpu
