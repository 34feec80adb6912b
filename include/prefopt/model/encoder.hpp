#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include <prefopt/backend/compute_backend.hpp>
#include <prefopt/backend/packed_batch.hpp>
#include <prefopt/data/token.hpp>
#include <prefopt/model/encoder_config.hpp>
#include <prefopt/model/encoder_parameters.hpp>

namespace prefopt {

/// Texts end to end, no padding: every token attends all tokens of its text (Devlin et al. 2019).
/// Throws `usage_error`, naming the text, for one that is empty or too long, or for a token that
/// the model does not have.
packed_batch pack_texts(std::span<const token_sequence> texts, const encoder_config& config);

/// The layers of BERT, DistilBERT and RoBERTa, with norms after the sums:
///
///     x = norm(embedding + position + type)
///     x = norm(x + output(attention(x)));  x = norm(x + down(act(up(x))))  in every layer
///
/// and of the result the states of each text's first token. In the last layer nothing but these
/// rows is computed once attention is done. What a forward pass keeps for the backward pass lives
/// here, the parameters elsewhere.
template <compute_backend Backend>
class encoder {
 public:
  using parameters_type = encoder_parameters<Backend>;

  /// From texts to `states` (texts, D). `keep`: `backward` may follow, for the same batch.
  void forward(parameters_type& parameters, const packed_batch& batch, bool keep,
               matrix_view states);

  /// From the gradient of `states`, which is overwritten, those of all parameters, added to. The
  /// batch is that of the last `forward` with `keep`.
  void backward(parameters_type& parameters, const packed_batch& batch, matrix_view dstates);

 private:
  using array = typename Backend::array;

  /// What a layer keeps. R is T, in the last layer the number of texts.
  struct kept {
    array input;       // (T, D)
    array qkv;         // (T, 3D)
    array context;     // (R, D)
    array middle_sum;  // (R, D), before the norm
    array up;          // (R, F)
    array output_sum;  // (R, D), before the norm
  };

  static attention_shape shape(const encoder_config& config);

  /// The sum of the embeddings to `sum`, normed to x.
  void embed(parameters_type& parameters, const packed_batch& batch, array& sum, matrix_view x);

  /// Reads `hidden_`, writes `out`, which is it or (R, D).
  void run_layer(parameters_type& parameters, std::size_t i, const packed_batch& batch, kept* keep,
                 bool last, matrix_view out);

  /// `dout` (R, D) becomes the gradient of the layer's input, dx (T, D); they may be one.
  void backward_layer(parameters_type& parameters, std::size_t i, const packed_batch& batch,
                      matrix_view dout, matrix_view dx);

  // Of the last forward pass, for the backward pass.
  std::vector<kept> layers_;
  array embedded_;               // (T, D), before the norm
  std::vector<token_id> types_;  // (T)

  // Scratch, reused.
  array hidden_, delta_, sum_, middle_, normed_, qkv_, context_, up_, active_, gradient_;
};

template <compute_backend Backend>
void encoder<Backend>::forward(parameters_type& parameters, const packed_batch& batch, bool keep,
                               matrix_view states) {
  const encoder_config& config = parameters.config();
  if (keep) layers_.resize(config.layers);
  const std::size_t rows = batch.tokens.size();
  const matrix_view x = hidden_.as(rows, config.width);
  embed(parameters, batch, keep ? embedded_ : delta_, x);
  for (std::size_t i = 0; i < config.layers; ++i) {
    const bool last = i + 1 == config.layers;
    run_layer(parameters, i, batch, keep ? &layers_[i] : nullptr, last, last ? states : x);
  }
}

template <compute_backend Backend>
void encoder<Backend>::backward(parameters_type& parameters, const packed_batch& batch,
                                matrix_view dstates) {
  const encoder_config& config = parameters.config();
  const std::size_t rows = batch.tokens.size();
  const matrix_view dx = gradient_.as(rows, config.width);
  for (std::size_t i = config.layers; i-- > 0;) {
    backward_layer(parameters, i, batch, i + 1 == config.layers ? dstates : dx, dx);
  }
  const matrix_view dsum = delta_.as(rows, config.width);
  Backend::fill(dsum, 0.0F);
  parameters.embedding_norm().backward(embedded_.as(rows, config.width), dx, dsum);
  Backend::embed_backward(batch.tokens, batch.positions, dsum, parameters.embedding().gradient,
                          parameters.positions().gradient);
  if (config.token_types == 0) return;
  Backend::embed_backward(types_, batch.positions, dsum, parameters.token_types().gradient, {});
}

template <compute_backend Backend>
attention_shape encoder<Backend>::shape(const encoder_config& config) {
  attention_shape s{config.heads, config.heads, config.head_width()};
  s.kind = attention_kind::bidirectional;
  return s;
}

template <compute_backend Backend>
void encoder<Backend>::embed(parameters_type& parameters, const packed_batch& batch, array& sum,
                             matrix_view x) {
  const matrix_view to = sum.as(x.rows, x.columns);
  Backend::embed(batch.tokens, batch.positions, parameters.embedding().value,
                 parameters.positions().value, to);
  if (parameters.config().token_types != 0) {
    types_.assign(x.rows, 0);  // a single text is all of type 0
    Backend::embed(types_, batch.positions, parameters.token_types().value, {}, x);
    Backend::add(to, x);
  }
  parameters.embedding_norm().apply(to, x);
}

template <compute_backend Backend>
void encoder<Backend>::run_layer(parameters_type& parameters, std::size_t i,
                                 const packed_batch& batch, kept* keep, bool last,
                                 matrix_view out) {
  const encoder_config& config = parameters.config();
  auto& layer = parameters.layer(i);
  const std::size_t width = config.width;
  const matrix_view x = hidden_.as(batch.tokens.size(), width);
  if (keep != nullptr) Backend::copy(x, keep->input.as(x.rows, width));
  const matrix_view qkv = (keep != nullptr ? keep->qkv : qkv_).as(x.rows, 3 * width);
  layer.qkv.apply(x, qkv);
  // In the last layer of all rows' context only the first ones' is used.
  array& context_array = keep != nullptr ? keep->context : context_;
  matrix_view context = (last ? normed_ : context_array).as(x.rows, width);
  Backend::attend(batch, shape(config), qkv, context);
  matrix_view residual = x;
  if (last) {
    const matrix_view all = context;
    context = context_array.as(out.rows, width);
    Backend::gather_rows(all, batch.head_rows, context);
    residual = middle_.as(out.rows, width);
    Backend::gather_rows(x, batch.head_rows, residual);
  }
  const matrix_view sum = (keep != nullptr ? keep->middle_sum : sum_).as(out.rows, width);
  layer.output.apply(context, sum);
  Backend::add(sum, residual);
  const matrix_view middle = middle_.as(out.rows, width);
  layer.attention_norm.apply(sum, middle);
  const matrix_view up = (keep != nullptr ? keep->up : up_).as(out.rows, config.hidden);
  layer.up.apply(middle, up);
  const matrix_view active = active_.as(out.rows, config.hidden);
  Backend::activate(config.activation, up, {}, active);
  const matrix_view total = (keep != nullptr ? keep->output_sum : sum_).as(out.rows, width);
  layer.down.apply(active, total);
  Backend::add(total, middle);
  layer.feed_forward_norm.apply(total, out);
}

template <compute_backend Backend>
void encoder<Backend>::backward_layer(parameters_type& parameters, std::size_t i,
                                      const packed_batch& batch, matrix_view dout, matrix_view dx) {
  const encoder_config& config = parameters.config();
  auto& layer = parameters.layer(i);
  kept& saved = layers_[i];
  const std::size_t width = config.width;
  const std::size_t all = batch.tokens.size();
  const std::size_t rows = dout.rows;

  // feed-forward: total = middle + down(act(up(middle))), out = norm(total)
  const matrix_view dtotal = sum_.as(rows, width);
  Backend::fill(dtotal, 0.0F);
  layer.feed_forward_norm.backward(saved.output_sum.as(rows, width), dout, dtotal);
  const matrix_view middle = middle_.as(rows, width);
  const matrix_view middle_sum = saved.middle_sum.as(rows, width);
  layer.attention_norm.apply(middle_sum, middle);
  const matrix_view up = saved.up.as(rows, config.hidden);
  const matrix_view active = active_.as(rows, config.hidden);
  Backend::activate(config.activation, up, {}, active);
  const matrix_view dactive = up_.as(rows, config.hidden);
  layer.down.backward(active, dtotal, dactive, false);
  Backend::activate_backward(config.activation, up, {}, dactive, dactive, {});
  layer.up.backward(middle, dactive, dtotal, true);  // dtotal is now the gradient of middle

  // attention: sum = input + output(context), middle = norm(sum)
  const matrix_view dsum = delta_.as(rows, width);
  Backend::fill(dsum, 0.0F);
  layer.attention_norm.backward(middle_sum, dtotal, dsum);
  const matrix_view context = saved.context.as(rows, width);
  const matrix_view drows = context_.as(rows, width);
  layer.output.backward(context, dsum, drows, false);
  matrix_view dcontext = drows;
  if (rows == all) {
    Backend::copy(dsum, dx);
  } else {
    dcontext = normed_.as(all, width);
    Backend::fill(dcontext, 0.0F);
    Backend::scatter_rows(drows, batch.head_rows, dcontext);
    Backend::fill(dx, 0.0F);
    Backend::scatter_rows(dsum, batch.head_rows, dx);
  }
  const matrix_view dqkv = qkv_.as(all, 3 * width);
  Backend::attend_backward(batch, shape(config), saved.qkv.as(all, 3 * width), dcontext, dqkv);
  layer.qkv.backward(saved.input.as(all, width), dqkv, dx, true);
}

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/model/encoder.ipp>
#endif
