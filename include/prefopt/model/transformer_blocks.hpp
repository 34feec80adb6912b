#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include <prefopt/backend/compute_backend.hpp>
#include <prefopt/backend/packed_batch.hpp>
#include <prefopt/model/rotary_frequencies.hpp>
#include <prefopt/model/transformer_config.hpp>
#include <prefopt/model/transformer_parameters.hpp>

namespace prefopt {

/// What the backward pass needs of a layer's forward pass; the rest is computed again.
template <compute_backend Backend>
struct kept_activations {
  typename Backend::array input;      // (T, D)
  typename Backend::array projected;  // (T, Q), before the norm of heads, where there is one
  typename Backend::array qkv;        // (T, Q), normed and rotated
  typename Backend::array context;    // (T, C)
  typename Backend::array middle;  // (T, D), the input of the feed-forward; not of parallel layers
  typename Backend::array up;      // (T, F)
  typename Backend::array gate;    // (T, F), where the feed-forward is gated
};

/// A decoder's layers, forward and backward, one at a time, as `transformer_config` describes them:
/// sequential or parallel, with a norm before attention and feed-forward. It holds scratch memory,
/// which is reused, and no weights. T rows, D width, Q = (heads + 2 kv_heads) * head_width, C =
/// heads * head_width, F hidden.
template <compute_backend Backend>
class transformer_blocks {
 public:
  using parameters_type = transformer_parameters<Backend>;
  using kept = kept_activations<Backend>;

  explicit transformer_blocks(const transformer_config& config);

  /// x (T, D), the layer's input, becomes its output. `attend(shape, qkv, context)` computes the
  /// context of the rows from their normed and rotated queries, keys and values. `to`, if not null,
  /// keeps what `backward` needs.
  template <class Attend>
  void forward(parameters_type& parameters, std::size_t i, matrix_view x,
               std::span<const std::size_t> positions, kept* to, Attend attend) {
    auto& layer = parameters.layer(i);
    // Of a parallel layer, the feed-forward reads the input after attention was added to x.
    const bool sequential = config_.residual == residual_kind::sequential;
    const_matrix_view input = x;
    if (to != nullptr || !sequential) {
      const matrix_view copied = (to != nullptr ? to->input : input_).as(x.rows, x.columns);
      Backend::copy(x, copied);
      if (!sequential) input = copied;
    }
    const const_matrix_view context = contexts(layer, i, x, positions, to, attend);
    add_attention(layer, context, x);
    if (to != nullptr && sequential) Backend::copy(x, to->middle.as(x.rows, x.columns));
    feed_forward(layer, input, x, to);
  }

  /// Fills `to`, of which only `input` (rows, D) is there, with the rest of what `forward` keeps.
  template <class Attend>
  void forward_again(parameters_type& parameters, std::size_t i, std::size_t rows,
                     std::span<const std::size_t> positions, kept& to, Attend attend) {
    auto& layer = parameters.layer(i);
    const matrix_view input = to.input.as(rows, config_.width);
    const const_matrix_view context = contexts(layer, i, input, positions, &to, attend);
    matrix_view middle = input;
    if (config_.residual == residual_kind::sequential) {
      middle = to.middle.as(rows, config_.width);
      Backend::copy(input, middle);
      add_attention(layer, context, middle);
    }
    widen(layer, middle, &to);
  }

  /// dx (T, D), the gradient of the layer's output, becomes that of its input; those of the
  /// parameters are added to. `batch` and `from` are those of the forward pass.
  void backward(parameters_type& parameters, std::size_t i, const packed_batch& batch, kept& from,
                matrix_view dx);

 private:
  using array = typename Backend::array;
  using layer_type = layer_parameters<Backend>;

  [[nodiscard]] rotation turn() const { return {config_.positions, frequencies_}; }

  /// What attention makes of x, before its last product: (T, C).
  template <class Attend>
  const_matrix_view contexts(layer_type& layer, std::size_t i, const_matrix_view x,
                             std::span<const std::size_t> positions, kept* to, Attend& attend) {
    const attention_shape shape = config_.attention(i);
    const matrix_view qkv = project(layer, i, x, positions, to);
    const matrix_view context =
        (to != nullptr ? to->context : context_).as(x.rows, shape.heads * shape.head_width);
    attend(shape, const_matrix_view(qkv), context);
    return context;
  }

  void add_attention(layer_type& layer, const_matrix_view context, matrix_view x);

  /// Queries, keys and values of x, normed and rotated.
  matrix_view project(layer_type& layer, std::size_t i, const_matrix_view x,
                      std::span<const std::size_t> positions, kept* to);

  struct wide_views {
    matrix_view up;    // (T, F)
    matrix_view gate;  // the same, or null
  };

  /// up(norm(input)), and the gate of it.
  wide_views widen(layer_type& layer, const_matrix_view input, kept* to);

  /// x += down(act(up(norm(input)))), gated or not.
  void feed_forward(layer_type& layer, const_matrix_view input, matrix_view x, kept* to);

  /// Adds to dx, the gradient of the feed-forward's output, that of its input.
  void feed_forward_backward(layer_type& layer, const_matrix_view input, kept& from,
                             matrix_view dx);

  /// Adds to dx what `dout`, the gradient of attention's output, makes of its input.
  void attention_backward(layer_type& layer, std::size_t i, const packed_batch& batch, kept& from,
                          const_matrix_view dout, matrix_view dx);

  transformer_config config_;
  std::vector<float> frequencies_;  // of rotation, one a pair of coordinates
  array input_, normed_, projected_, qkv_, context_, delta_, up_, gate_, active_, scratch_;
};

template <compute_backend Backend>
transformer_blocks<Backend>::transformer_blocks(const transformer_config& config)
    : config_(config), frequencies_(rotary_frequencies(config)) {}

template <compute_backend Backend>
void transformer_blocks<Backend>::backward(parameters_type& parameters, std::size_t i,
                                           const packed_batch& batch, kept& from, matrix_view dx) {
  auto& layer = parameters.layer(i);
  const bool sequential = config_.residual == residual_kind::sequential;
  // What reaches attention: of a sequential layer, with what passed through the feed-forward.
  const_matrix_view dattention = dx;
  if (!sequential) {
    const matrix_view copied = input_.as(dx.rows, dx.columns);
    Backend::copy(dx, copied);
    dattention = copied;
  }
  const matrix_view input = from.input.as(dx.rows, dx.columns);
  feed_forward_backward(layer, sequential ? from.middle.as(dx.rows, dx.columns) : input, from, dx);
  attention_backward(layer, i, batch, from, dattention, dx);
}

template <compute_backend Backend>
void transformer_blocks<Backend>::add_attention(layer_type& layer, const_matrix_view context,
                                                matrix_view x) {
  const matrix_view delta = delta_.as(x.rows, x.columns);
  layer.output.apply(context, delta);
  Backend::add(x, delta);
}

template <compute_backend Backend>
matrix_view transformer_blocks<Backend>::project(layer_type& layer, std::size_t i,
                                                 const_matrix_view x,
                                                 std::span<const std::size_t> positions, kept* to) {
  const attention_shape shape = config_.attention(i);
  const matrix_view normed = normed_.as(x.rows, x.columns);
  layer.attention_norm.apply(x, normed);
  const matrix_view qkv = (to != nullptr ? to->qkv : qkv_).as(x.rows, shape.columns());
  if (config_.head_norm) {
    const matrix_view projected =
        (to != nullptr ? to->projected : projected_).as(x.rows, shape.columns());
    layer.qkv.apply(normed, projected);
    layer.head_norm.apply(projected, shape, qkv);
  } else {
    layer.qkv.apply(normed, qkv);
  }
  if (config_.rotates(i)) Backend::rotate(qkv, positions, shape, turn(), 1.0F);
  return qkv;
}

template <compute_backend Backend>
auto transformer_blocks<Backend>::widen(layer_type& layer, const_matrix_view input, kept* to)
    -> wide_views {
  const matrix_view normed = normed_.as(input.rows, input.columns);
  layer.feed_forward_norm.apply(input, normed);
  wide_views wide{(to != nullptr ? to->up : up_).as(input.rows, config_.hidden), {}};
  layer.up.apply(normed, wide.up);
  if (config_.gated) {
    wide.gate = (to != nullptr ? to->gate : gate_).as(input.rows, config_.hidden);
    layer.gate.apply(normed, wide.gate);
  }
  return wide;
}

template <compute_backend Backend>
void transformer_blocks<Backend>::feed_forward(layer_type& layer, const_matrix_view input,
                                               matrix_view x, kept* to) {
  const wide_views wide = widen(layer, input, to);
  const matrix_view active = active_.as(x.rows, config_.hidden);
  Backend::activate(config_.activation, wide.up, wide.gate, active);
  const matrix_view delta = delta_.as(x.rows, x.columns);
  layer.down.apply(active, delta);
  Backend::add(x, delta);
}

template <compute_backend Backend>
void transformer_blocks<Backend>::feed_forward_backward(layer_type& layer, const_matrix_view input,
                                                        kept& from, matrix_view dx) {
  const std::size_t hidden = config_.hidden;
  const matrix_view normed = normed_.as(dx.rows, dx.columns);
  layer.feed_forward_norm.apply(input, normed);
  const matrix_view up = from.up.as(dx.rows, hidden);
  const matrix_view gate = config_.gated ? from.gate.as(dx.rows, hidden) : matrix_view{};
  const matrix_view active = active_.as(dx.rows, hidden);
  Backend::activate(config_.activation, up, gate, active);
  const matrix_view dactive = up_.as(dx.rows, hidden);
  layer.down.backward(active, dx, dactive, false);
  const matrix_view dgate = config_.gated ? gate_.as(dx.rows, hidden) : matrix_view{};
  Backend::activate_backward(config_.activation, up, gate, dactive, dactive, dgate);
  const matrix_view dnormed = scratch_.as(dx.rows, dx.columns);
  layer.up.backward(normed, dactive, dnormed, false);
  if (config_.gated) layer.gate.backward(normed, dgate, dnormed, true);
  layer.feed_forward_norm.backward(input, dnormed, dx);
}

template <compute_backend Backend>
void transformer_blocks<Backend>::attention_backward(layer_type& layer, std::size_t i,
                                                     const packed_batch& batch, kept& from,
                                                     const_matrix_view dout, matrix_view dx) {
  const attention_shape shape = config_.attention(i);
  const matrix_view qkv = from.qkv.as(dx.rows, shape.columns());
  const matrix_view context = from.context.as(dx.rows, shape.heads * shape.head_width);
  const matrix_view dcontext = context_.as(dx.rows, context.columns);
  layer.output.backward(context, dout, dcontext, false);
  const matrix_view dqkv = qkv_.as(dx.rows, shape.columns());
  Backend::attend_backward(batch, shape, qkv, dcontext, dqkv);
  if (config_.rotates(i)) Backend::rotate(dqkv, batch.positions, shape, turn(), -1.0F);
  if (config_.head_norm) {
    layer.head_norm.backward(from.projected.as(dx.rows, shape.columns()), shape, dqkv);
  }
  const matrix_view input = from.input.as(dx.rows, dx.columns);
  const matrix_view normed = normed_.as(dx.rows, dx.columns);
  layer.attention_norm.apply(input, normed);
  const matrix_view dnormed = scratch_.as(dx.rows, dx.columns);
  layer.qkv.backward(normed, dqkv, dnormed, false);
  layer.attention_norm.backward(input, dnormed, dx);
}

}  // namespace prefopt
