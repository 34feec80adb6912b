#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <prefopt/backend/compute_backend.hpp>
#include <prefopt/backend/packed_batch.hpp>
#include <prefopt/core/error.hpp>
#include <prefopt/core/random.hpp>
#include <prefopt/data/response_batch.hpp>
#include <prefopt/model/decoding_model.hpp>
#include <prefopt/model/distribution_model.hpp>
#include <prefopt/model/language_model.hpp>
#include <prefopt/model/transformer_cache.hpp>
#include <prefopt/model/transformer_config.hpp>
#include <prefopt/model/transformer_parameters.hpp>

namespace prefopt {

/// A decoder: GPT-2 and Llama-family models, as `transformer_config` describes. It is a
/// `trainable_model`, a `decoding_model` and a `distribution_model`.
///
/// A forward pass keeps, of every layer, its two inputs and what the products before attention and
/// activation gave; the rest is computed again in the backward pass. Buffers are reused from step
/// to step. A copy has the weights of the original and gradients of zero: a reference is a copy.
template <compute_backend Backend>
class transformer {
 public:
  using backend_type = Backend;
  using cache_type = transformer_cache<Backend>;

  /// All weights 0. Throws `usage_error` for a description that cannot be.
  explicit transformer(const transformer_config& config) : parameters_(config) {}
  transformer(const transformer& other) : parameters_(other.parameters_) {}
  transformer(transformer&&) noexcept = default;
  transformer& operator=(const transformer& other) { return *this = transformer(other); }
  transformer& operator=(transformer&&) noexcept = default;
  ~transformer() = default;

  /// Random weights: normal with deviation 0.02, as GPT-2 starts; norms 1, biases 0.
  void initialize(std::uint64_t seed) { parameters_.initialize(seed); }

  [[nodiscard]] const transformer_config& config() const { return parameters_.config(); }
  [[nodiscard]] std::size_t vocabulary_size() const { return config().vocabulary; }
  [[nodiscard]] std::size_t max_positions() const { return config().max_positions; }

  /// In the order of `transformer_layout`.
  [[nodiscard]] std::span<const parameter> parameters() { return parameters_.all(); }
  void zero_gradients() { parameters_.zero_gradients(); }
  void parameters_changed() { parameters_.changed(); }

  void forward(const response_batch& batch, std::span<double> log_probs) {
    ready_ = false;
    batch_ = pack(batch, vocabulary_size(), max_positions());
    check_length(log_probs.size(), batch_.responses);
    layers_.resize(config().layers);
    run(batch_, true);
    token_log_probs(batch_);
    sum_log_probs(batch_, log_probs);
    ready_ = true;
  }

  void log_probs(const response_batch& batch, std::span<double> log_probs) {
    const packed_batch packed = pack(batch, vocabulary_size(), max_positions());
    check_length(log_probs.size(), packed.responses);
    ready_ = false;
    run(packed, false);
    token_log_probs(packed);
    sum_log_probs(packed, log_probs);
  }

  /// log pi(token | what precedes it) of every token of every response.
  [[nodiscard]] std::vector<std::vector<float>> token_log_probs(const response_batch& batch) {
    const packed_batch packed = pack(batch, vocabulary_size(), max_positions());
    ready_ = false;
    run(packed, false);
    token_log_probs(packed);
    std::vector<std::vector<float>> result(packed.responses);
    for (std::size_t n = 0; n < packed.predictions.size(); ++n) {
      result[packed.predictions[n].response].push_back(log_probs_[n]);
    }
    return result;
  }

  template <class Visit>
  void visit_logits(const response_batch& batch, Visit&& visit) {
    const packed_batch packed = pack(batch, vocabulary_size(), max_positions());
    ready_ = false;
    run(packed, false);
    // Predictions ascend in their rows, but that a prompt's last row is needed for every response
    // of it: that one is kept apart.
    std::vector<float> chunk;
    std::vector<float> shared;
    std::size_t shared_row = packed.head_rows.size();
    std::size_t first = 0;
    std::size_t last = 0;  // rows [first, last) are in `chunk`
    for (const packed_prediction& p : packed.predictions) {
      if (p.position == 0 && p.row == shared_row) {
        visit(p.response, p.position, std::span<const float>(shared));
        continue;
      }
      if (p.row >= last) {
        first = p.row;
        last = std::min(packed.head_rows.size(), first + visited_rows);
        chunk.resize((last - first) * vocabulary_size());
        write_logits(const_matrix_view{normed_.data() + first * config().width, last - first,
                                       config().width},
                     chunk);
      }
      const auto logits = std::span<const float>(chunk).subspan((p.row - first) * vocabulary_size(),
                                                                vocabulary_size());
      if (p.position == 0) {
        shared.assign(logits.begin(), logits.end());
        shared_row = p.row;
      }
      visit(p.response, p.position, logits);
    }
  }

  void backward(std::span<const double> weights) {
    if (!ready_) throw usage_error("transformer: backward needs a forward before it");
    check_length(weights.size(), batch_.responses);
    ready_ = false;
    backward_head(weights);
    for (std::size_t i = config().layers; i-- > 0;) backward_layer(i);
    Backend::embed_backward(batch_.tokens, batch_.positions, gradient_view(),
                            parameters_.embedding().gradient, parameters_.positions().gradient);
  }

  [[nodiscard]] cache_type make_cache() const { return cache_type(config()); }

  std::size_t prefill(cache_type& cache, std::span<const token_id> prompt,
                      std::span<float> logits) {
    check_length(logits.size(), vocabulary_size());
    packed_batch packed =
        pack(response_batch{{response_group{prompt, {}}}}, vocabulary_size(), max_positions());
    packed.head_rows = {prompt.size() - 1};
    ready_ = false;
    const std::size_t number = cache.add_prompt(prompt.size());
    run(packed, false, [&](std::size_t layer, const_matrix_view qkv) {
      for (std::size_t r = 0; r < qkv.rows; ++r) {
        Backend::append_cache(qkv.row(r), shape(), cache.prompt_position(number, layer, r));
      }
    });
    write_logits(const_matrix_view{normed_.data(), 1, config().width}, logits);
    return number;
  }

  std::size_t add_row(cache_type& cache, std::size_t prompt) const { return cache.add_row(prompt); }
  void remove_row(cache_type& cache, std::size_t row) const { cache.remove_row(row); }
  void remove_prompt(cache_type& cache, std::size_t prompt) const { cache.remove_prompt(prompt); }

  void decode(cache_type& cache, std::span<const std::size_t> rows,
              std::span<const token_id> tokens, std::span<float> logits) {
    check_length(tokens.size(), rows.size());
    check_length(logits.size(), rows.size() * vocabulary_size());
    detail::check_tokens(tokens, vocabulary_size(), "decode");
    ready_ = false;
    step_positions_.clear();
    for (const std::size_t row : rows) {
      const std::size_t position = cache.length(row);
      if (position >= max_positions()) {
        throw usage_error("decode: row " + std::to_string(row) + " has all of the model's " +
                          std::to_string(max_positions()) + " positions");
      }
      step_positions_.push_back(position);
    }
    std::vector<std::size_t> sorted(rows.begin(), rows.end());
    std::sort(sorted.begin(), sorted.end());
    const auto twice = std::adjacent_find(sorted.begin(), sorted.end());
    if (twice != sorted.end()) {
      throw usage_error("decode: row " + std::to_string(*twice) + " stands twice");
    }
    for (const std::size_t row : rows) cache.extend(row);
    const std::size_t width = config().width;
    const matrix_view x = hidden_.as(rows.size(), width);
    Backend::embed(tokens, step_positions_, parameters_.embedding().value,
                   parameters_.positions().value, x);
    for (std::size_t i = 0; i < config().layers; ++i) {
      const matrix_view qkv = project_qkv(i, x, step_positions_, qkv_);
      cache.contexts(i, rows, contexts_);
      for (std::size_t r = 0; r < rows.size(); ++r) {
        Backend::append_cache(qkv.row(r), shape(), cache.last_position(rows[r], i));
      }
      const matrix_view context = context_.as(rows.size(), shape().heads * shape().head_width);
      Backend::attend_cached(contexts_, shape(), qkv, context);
      finish_attention(i, context, x);
      feed_forward(i, x, up_, gate_);
    }
    const matrix_view normed = normed_.as(rows.size(), width);
    parameters_.final_norm().apply(x, normed);
    write_logits(normed, logits);
  }

 private:
  using array = typename Backend::array;

  static constexpr std::size_t visited_rows = 48;  // of logits in memory, in visit_logits

  /// What a layer keeps for the backward pass.
  struct kept {
    array input;    // (T, D)
    array qkv;      // (T, Q), rotated
    array context;  // (T, C)
    array middle;   // (T, D), after attention
    array up;       // (T, F)
    array gate;     // (T, F), where the feed-forward is gated
  };

  [[nodiscard]] attention_shape shape() const {
    return {config().heads, config().kv_heads, config().head_width};
  }

  static void check_length(std::size_t found, std::size_t expected) {
    if (found == expected) return;
    throw usage_error("transformer: an array has " + std::to_string(found) + " elements where " +
                      std::to_string(expected) + " are needed");
  }

  // ---- forward ----

  /// From tokens to `normed_` (U, D), the head's input. `keep` fills `layers_` and `selected_`.
  template <class OnQkv>
  void run(const packed_batch& batch, bool keep, OnQkv on_qkv) {
    const std::size_t rows = batch.tokens.size();
    const std::size_t width = config().width;
    const matrix_view x = hidden_.as(rows, width);
    Backend::embed(batch.tokens, batch.positions, parameters_.embedding().value,
                   parameters_.positions().value, x);
    for (std::size_t i = 0; i < config().layers; ++i) {
      kept* layer = keep ? &layers_[i] : nullptr;
      if (keep) Backend::copy(x, layer->input.as(rows, width));
      const matrix_view qkv = project_qkv(i, x, batch.positions, keep ? layer->qkv : qkv_);
      on_qkv(i, const_matrix_view(qkv));
      const matrix_view context =
          (keep ? layer->context : context_).as(rows, shape().heads * shape().head_width);
      Backend::attend(batch, shape(), qkv, context);
      finish_attention(i, context, x);
      if (keep) Backend::copy(x, layer->middle.as(rows, width));
      feed_forward(i, x, keep ? layer->up : up_, keep ? layer->gate : gate_);
    }
    const matrix_view selected = selected_.as(batch.head_rows.size(), width);
    Backend::gather_rows(x, batch.head_rows, selected);
    parameters_.final_norm().apply(selected, normed_.as(selected.rows, width));
  }
  void run(const packed_batch& batch, bool keep) {
    run(batch, keep, [](std::size_t, const_matrix_view) {});
  }

  matrix_view project_qkv(std::size_t i, matrix_view x, std::span<const std::size_t> positions,
                          array& to) {
    auto& layer = parameters_.layer(i);
    const matrix_view normed = normed_.as(x.rows, x.columns);
    layer.attention_norm.apply(x, normed);
    const matrix_view qkv = to.as(x.rows, shape().columns());
    layer.qkv.apply(normed, qkv);
    if (config().positions == position_kind::rotary_half) {
      Backend::rotate(qkv, positions, shape(), config().rope_theta, 1.0F);
    }
    return qkv;
  }

  void finish_attention(std::size_t i, const_matrix_view context, matrix_view x) {
    const matrix_view delta = delta_.as(x.rows, x.columns);
    parameters_.layer(i).output.apply(context, delta);
    Backend::add(x, delta);
  }

  void feed_forward(std::size_t i, matrix_view x, array& up_array, array& gate_array) {
    auto& layer = parameters_.layer(i);
    const matrix_view normed = normed_.as(x.rows, x.columns);
    layer.feed_forward_norm.apply(x, normed);
    const matrix_view up = up_array.as(x.rows, config().hidden);
    layer.up.apply(normed, up);
    matrix_view gate;
    if (config().gated) {
      gate = gate_array.as(x.rows, config().hidden);
      layer.gate.apply(normed, gate);
    }
    const matrix_view active = active_.as(x.rows, config().hidden);
    Backend::activate(config().activation, up, gate, active);
    const matrix_view delta = delta_.as(x.rows, x.columns);
    layer.down.apply(active, delta);
    Backend::add(x, delta);
  }

  /// Fills `log_probs_` (N) and `log_sums_` (U) from `normed_`.
  void token_log_probs(const packed_batch& batch) {
    by_row_.resize(batch.predictions.size());
    std::iota(by_row_.begin(), by_row_.end(), std::size_t{0});
    std::stable_sort(by_row_.begin(), by_row_.end(), [&](std::size_t a, std::size_t b) {
      return batch.predictions[a].row < batch.predictions[b].row;
    });
    log_probs_.resize(batch.predictions.size());
    log_sums_.resize(batch.head_rows.size());
    const const_matrix_view x{normed_.data(), batch.head_rows.size(), config().width};
    Backend::head_log_probs(x, parameters_.head(), batch.predictions, by_row_, logits_, log_sums_,
                            log_probs_);
  }

  void sum_log_probs(const packed_batch& batch, std::span<double> sums) const {
    std::fill(sums.begin(), sums.end(), 0.0);
    for (std::size_t n = 0; n < batch.predictions.size(); ++n) {
      sums[batch.predictions[n].response] += static_cast<double>(log_probs_[n]);
    }
  }

  void write_logits(const_matrix_view x, std::span<float> logits) {
    const matrix_view out = logits_.as(x.rows, vocabulary_size());
    Backend::linear(x, parameters_.head(), nullptr, out);
    Backend::read(out, logits);
  }

  // ---- backward ----

  matrix_view gradient_view() { return gradient_.as(batch_.tokens.size(), config().width); }

  /// From the responses' weights to the gradient of the last hidden state in `gradient_` (T, D).
  void backward_head(std::span<const double> weights) {
    token_weights_.resize(batch_.predictions.size());
    for (std::size_t n = 0; n < token_weights_.size(); ++n) {
      token_weights_[n] = static_cast<float>(weights[batch_.predictions[n].response]);
    }
    const std::size_t rows = batch_.head_rows.size();
    const std::size_t width = config().width;
    const matrix_view dnormed = scratch_.as(rows, width);
    Backend::head_backward(const_matrix_view{normed_.data(), rows, width}, parameters_.head(),
                           parameters_.head_values(), batch_.predictions, by_row_, log_sums_,
                           token_weights_, logits_, dnormed, parameters_.head_gradient());
    const matrix_view dselected = delta_.as(rows, width);
    Backend::fill(dselected, 0.0F);
    parameters_.final_norm().backward(const_matrix_view{selected_.data(), rows, width}, dnormed,
                                      dselected);
    Backend::fill(gradient_view(), 0.0F);
    Backend::scatter_rows(dselected, batch_.head_rows, gradient_view());
  }

  /// `gradient_` holds the gradient of the layer's output and then that of its input.
  void backward_layer(std::size_t i) {
    auto& layer = parameters_.layer(i);
    kept& saved = layers_[i];
    const std::size_t rows = batch_.tokens.size();
    const std::size_t width = config().width;
    const std::size_t hidden = config().hidden;
    const matrix_view dx = gradient_view();
    const matrix_view normed = normed_.as(rows, width);
    const matrix_view dnormed = scratch_.as(rows, width);

    // feed-forward
    const matrix_view middle = saved.middle.as(rows, width);
    layer.feed_forward_norm.apply(middle, normed);
    const matrix_view up = saved.up.as(rows, hidden);
    const matrix_view gate = config().gated ? saved.gate.as(rows, hidden) : matrix_view{};
    const matrix_view active = active_.as(rows, hidden);
    Backend::activate(config().activation, up, gate, active);
    const matrix_view dactive = up_.as(rows, hidden);
    layer.down.backward(active, dx, dactive, false);
    const matrix_view dgate = config().gated ? gate_.as(rows, hidden) : matrix_view{};
    Backend::activate_backward(config().activation, up, gate, dactive, dactive, dgate);
    layer.up.backward(normed, dactive, dnormed, false);
    if (config().gated) layer.gate.backward(normed, dgate, dnormed, true);
    layer.feed_forward_norm.backward(middle, dnormed, dx);

    // attention
    const matrix_view input = saved.input.as(rows, width);
    const matrix_view qkv = saved.qkv.as(rows, shape().columns());
    const matrix_view context = saved.context.as(rows, shape().heads * shape().head_width);
    const matrix_view dcontext = context_.as(rows, context.columns);
    layer.output.backward(context, dx, dcontext, false);
    const matrix_view dqkv = qkv_.as(rows, qkv.columns);
    Backend::attend_backward(batch_, shape(), qkv, dcontext, dqkv);
    if (config().positions == position_kind::rotary_half) {
      Backend::rotate(dqkv, batch_.positions, shape(), config().rope_theta, -1.0F);
    }
    layer.attention_norm.apply(input, normed);
    layer.qkv.backward(normed, dqkv, dnormed, false);
    layer.attention_norm.backward(input, dnormed, dx);
  }

  transformer_parameters<Backend> parameters_;

  // Of the last forward pass, for the backward pass.
  packed_batch batch_;
  std::vector<kept> layers_;
  bool ready_ = false;
  std::vector<std::size_t> by_row_;  // predictions ordered by row, (N)
  std::vector<float> log_probs_;     // (N)
  std::vector<float> log_sums_;      // (U)
  array selected_;                   // (U, D), before the final norm
  array normed_;                     // (U, D) after it; also a layer's normed input (T, D)

  // Scratch, reused.
  std::vector<float> token_weights_;         // (N)
  std::vector<std::size_t> step_positions_;  // (R)
  std::vector<decode_context> contexts_;     // (R)
  array hidden_, delta_, active_, logits_, gradient_, scratch_;
  array qkv_, context_, up_, gate_;
};

}  // namespace prefopt
