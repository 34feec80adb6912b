#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <numeric>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <prefopt/backend/compute_backend.hpp>
#include <prefopt/backend/draw_options.hpp>
#include <prefopt/backend/packed_batch.hpp>
#include <prefopt/backend/product_kind.hpp>
#include <prefopt/backend/sampled_token.hpp>
#include <prefopt/core/error.hpp>
#include <prefopt/data/response_batch.hpp>
#include <prefopt/model/decoding_model.hpp>
#include <prefopt/model/distribution_model.hpp>
#include <prefopt/model/language_model.hpp>
#include <prefopt/model/lora_layout.hpp>
#include <prefopt/model/lora_options.hpp>
#include <prefopt/model/lora_parameters.hpp>
#include <prefopt/model/transformer_blocks.hpp>
#include <prefopt/model/transformer_cache.hpp>
#include <prefopt/model/transformer_config.hpp>
#include <prefopt/model/transformer_parameters.hpp>

namespace prefopt {

/// A decoder, as `transformer_config` describes: the models of architectures.hpp. It is a
/// `trainable_model`, a `drawing_model` and a `distribution_model`.
///
/// A forward pass keeps, of every layer, its inputs and what the products before attention and
/// activation gave; the rest is computed again in the backward pass (see also
/// `checkpoint_activations`). Buffers are reused from step to step. A copy has the weights of the
/// original and gradients of zero: a reference is a copy.
template <compute_backend Backend>
class transformer {
 public:
  using backend_type = Backend;
  using cache_type = transformer_cache<Backend>;

  /// All weights 0. Throws `usage_error` for a description that cannot be.
  explicit transformer(const transformer_config& config) : parameters_(config), blocks_(config) {}
  transformer(const transformer& other)
      : parameters_(other.parameters_), blocks_(other.config()), checkpoints_(other.checkpoints_) {}
  transformer(transformer&&) noexcept = default;
  transformer& operator=(const transformer& other) { return *this = transformer(other); }
  transformer& operator=(transformer&&) noexcept = default;
  ~transformer() = default;

  /// Random weights: normal with deviation 0.02, as GPT-2 starts; norms 1, biases 0.
  void initialize(std::uint64_t seed) {
    Backend::synchronize();
    parameters_.initialize(seed);
  }

  [[nodiscard]] const transformer_config& config() const { return parameters_.config(); }
  [[nodiscard]] std::size_t vocabulary_size() const { return config().vocabulary; }
  [[nodiscard]] std::size_t max_positions() const { return config().max_positions; }
  /// The numbers that its products are in from now on: those of its backend.
  [[nodiscard]] static product_kind products() { return Backend::products(); }

  /// What is trained: in the order of `transformer_layout`, or, with an adapter, its A and B of
  /// every module. Values and gradients are what the calls before have made of them.
  [[nodiscard]] std::span<const parameter> parameters() {
    Backend::synchronize();
    return parameters_.all();
  }
  void zero_gradients() {
    parameters_.zero_gradients();
    Backend::synchronize();
  }
  void parameters_changed() { parameters_.changed(); }

  /// From now on a forward pass keeps only the input of every layer, and the backward pass computes
  /// a layer's forward pass again before its own (activation checkpointing, Chen et al. 2016): the
  /// same gradients to the last bit, in less memory and more time. Off at first.
  void checkpoint_activations(bool on) {
    ready_ = false;
    checkpoints_ = on;
    layers_.clear();
  }

  /// The model's own, whether they are trained or, with an adapter, are not and have no gradients.
  [[nodiscard]] std::span<const parameter> base_parameters() {
    Backend::synchronize();
    return parameters_.base();
  }

  /// Adds a low-rank adapter that computes nothing yet (see `lora_options`, and `add_lora` for the
  /// modules of a checkpoint). From now on it is what is trained.
  void add_adapter(std::vector<lora_module> modules, const lora_options& options,
                   std::uint64_t seed) {
    ready_ = false;
    parameters_.add_adapter(std::move(modules), options);
    parameters_.adapter()->initialize(seed);
  }
  [[nodiscard]] bool has_adapter() const { return parameters_.adapter() != nullptr; }
  [[nodiscard]] bool adapter_active() const {
    return has_adapter() && parameters_.adapter()->active();
  }
  /// With the adapter off the model computes as it did before: it is its own reference.
  void activate_adapter(bool on) {
    ready_ = false;
    adapter().activate(on);
  }
  [[nodiscard]] const lora_options& adapter_options() { return adapter().options(); }
  [[nodiscard]] const std::vector<lora_module>& adapter_modules() { return adapter().modules(); }
  /// Makes the adapter part of the weights, which are trained again from now on.
  void merge_adapter() {
    ready_ = false;
    parameters_.remove_adapter(true);
  }
  /// Takes the adapter away: the model is what it was before.
  void remove_adapter() {
    ready_ = false;
    parameters_.remove_adapter(false);
  }

  /// See `announcing_model`: layer by layer, from the last. Each time, the backend is waited for.
  /// An adapter, which is small, is not announced.
  void announce_gradients(std::function<void(std::size_t)> announce) {
    announce_ = std::move(announce);
  }

  void forward(const response_batch& batch, std::span<double> log_probs);

  void log_probs(const response_batch& batch, std::span<double> log_probs);

  /// log pi(token | what precedes it) of every token of every response.
  [[nodiscard]] std::vector<std::vector<float>> token_log_probs(const response_batch& batch);

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

  void backward(std::span<const double> weights);

  [[nodiscard]] cache_type make_cache() const { return cache_type(config()); }

  void prefill(cache_type& cache, std::span<const token_sequence> prompts, std::span<float> logits,
               std::span<std::size_t> numbers);

  std::size_t add_row(cache_type& cache, std::size_t prompt) const { return cache.add_row(prompt); }
  void remove_row(cache_type& cache, std::size_t row) const { cache.remove_row(row); }
  void remove_prompt(cache_type& cache, std::size_t prompt) const { cache.remove_prompt(prompt); }

  void decode(cache_type& cache, std::span<const std::size_t> rows,
              std::span<const token_id> tokens, std::span<float> logits) {
    check_length(logits.size(), rows.size() * vocabulary_size());
    write_logits(append(cache, rows, tokens), logits);
  }

  void draw(cache_type& cache, std::span<const std::size_t> rows, std::span<const token_id> tokens,
            const draw_options& how, std::span<const double> uniforms,
            std::span<sampled_token> drawn) {
    check_length(uniforms.size(), rows.size());
    check_length(drawn.size(), rows.size());
    validate(how);
    Backend::draw_tokens(head_logits(append(cache, rows, tokens)), how, uniforms, drawn);
  }

 private:
  using array = typename Backend::array;

  lora_parameters<Backend>& adapter() {
    if (!has_adapter()) throw usage_error("transformer: there is no adapter");
    return *parameters_.adapter();
  }

  static constexpr std::size_t visited_rows = 48;  // of logits in memory, in visit_logits

  static void check_length(std::size_t found, std::size_t expected) {
    if (found == expected) return;
    throw usage_error("transformer: an array has " + std::to_string(found) + " elements where " +
                      std::to_string(expected) + " are needed");
  }

  // ---- forward ----

  /// Appends tokens[i] to row rows[i]; gives the head's input (R, D) for what comes after them.
  const_matrix_view append(cache_type& cache, std::span<const std::size_t> rows,
                           std::span<const token_id> tokens);

  matrix_view embed(std::span<const token_id> tokens, std::span<const std::size_t> positions) {
    const matrix_view x = hidden_.as(tokens.size(), config().width);
    Backend::embed(tokens, positions, parameters_.embedding().value, parameters_.positions().value,
                   x);
    return x;
  }

  /// From tokens to `normed_` (U, D), the head's input. `keep` fills `layers_`.
  void run(const packed_batch& batch, bool keep);

  static auto attention_over(const packed_batch& batch) {
    return [&batch](const attention_shape& shape, const_matrix_view qkv, matrix_view out) {
      Backend::attend(batch, shape, qkv, out);
    };
  }

  void select_and_norm(const packed_batch& batch, const_matrix_view x) {
    const matrix_view selected = selected_.as(batch.head_rows.size(), config().width);
    Backend::gather_rows(x, batch.head_rows, selected);
    parameters_.final_norm().apply(selected, normed_.as(selected.rows, selected.columns));
  }

  /// Fills `log_probs_` (N) and `log_sums_` (U) from `normed_`.
  void token_log_probs(const packed_batch& batch);

  void sum_log_probs(const packed_batch& batch, std::span<double> sums) const {
    std::fill(sums.begin(), sums.end(), 0.0);
    for (std::size_t n = 0; n < batch.predictions.size(); ++n) {
      sums[batch.predictions[n].response] += static_cast<double>(log_probs_[n]);
    }
  }

  const_matrix_view head_logits(const_matrix_view x) {
    const matrix_view out = logits_.as(x.rows, vocabulary_size());
    parameters_.head().apply(x, out);
    return out;
  }
  void write_logits(const_matrix_view x, std::span<float> logits) {
    Backend::read(head_logits(x), logits);
  }

  // ---- backward ----

  /// The gradients are final from the first parameter on whose name begins so.
  void announce(const std::string& name);

  void backward_layer(std::size_t i, matrix_view dx);

  /// From the responses' weights to the gradient of the last hidden state in `gradient_` (T, D).
  void backward_head(std::span<const double> weights);

  transformer_parameters<Backend> parameters_;
  transformer_blocks<Backend> blocks_;

  // Of the last forward pass, for the backward pass.
  packed_batch batch_;
  std::vector<kept_activations<Backend>> layers_;  // with checkpoints, of each its input alone
  kept_activations<Backend> again_;  // with checkpoints, of the layer that is computed
  bool checkpoints_ = false;
  std::function<void(std::size_t)> announce_;
  bool ready_ = false;
  std::vector<std::size_t> by_row_;  // predictions ordered by row, (N)
  std::vector<float> log_probs_;     // (N)
  std::vector<float> log_sums_;      // (U)
  array selected_;                   // (U, D), before the final norm
  array normed_;                     // (U, D), after it

  // Scratch, reused.
  std::vector<float> token_weights_;         // (N)
  std::vector<std::size_t> step_positions_;  // (R)
  std::vector<std::size_t> sorted_rows_;     // (R)
  std::vector<decode_context> contexts_;     // (R)
  std::vector<float*> places_;               // (R), in the cache
  array hidden_, delta_, logits_, gradient_, scratch_;
};

template <compute_backend Backend>
void transformer<Backend>::forward(const response_batch& batch, std::span<double> log_probs) {
  ready_ = false;
  pack(batch, vocabulary_size(), max_positions(), batch_);
  check_length(log_probs.size(), batch_.responses);
  layers_.resize(config().layers);
  run(batch_, true);
  token_log_probs(batch_);
  sum_log_probs(batch_, log_probs);
  ready_ = true;
}

template <compute_backend Backend>
void transformer<Backend>::log_probs(const response_batch& batch, std::span<double> log_probs) {
  ready_ = false;
  pack(batch, vocabulary_size(), max_positions(), batch_);
  check_length(log_probs.size(), batch_.responses);
  run(batch_, false);
  token_log_probs(batch_);
  sum_log_probs(batch_, log_probs);
}

template <compute_backend Backend>
std::vector<std::vector<float>> transformer<Backend>::token_log_probs(const response_batch& batch) {
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

template <compute_backend Backend>
void transformer<Backend>::backward(std::span<const double> weights) {
  if (!ready_) throw usage_error("transformer: backward needs a forward before it");
  check_length(weights.size(), batch_.responses);
  if (has_adapter() && !adapter_active()) {
    throw usage_error("transformer: the adapter is off, so there is nothing to train");
  }
  ready_ = false;
  backward_head(weights);
  const matrix_view dx = gradient_.as(batch_.tokens.size(), config().width);
  announce("final_norm.");
  for (std::size_t i = config().layers; i-- > 0;) {
    backward_layer(i, dx);
    announce("layers." + std::to_string(i) + ".");
  }
  if (parameters_.trains_base()) {
    Backend::embed_backward(batch_.tokens, batch_.positions, dx, parameters_.embedding().gradient,
                            parameters_.positions().gradient);
  }
  Backend::synchronize();  // the gradients are there
}

template <compute_backend Backend>
void transformer<Backend>::prefill(cache_type& cache, std::span<const token_sequence> prompts,
                                   std::span<float> logits, std::span<std::size_t> numbers) {
  check_length(logits.size(), prompts.size() * vocabulary_size());
  check_length(numbers.size(), prompts.size());
  if (prompts.empty()) return;
  response_batch alone;
  for (const token_sequence& prompt : prompts) alone.groups.push_back({prompt, {}});
  packed_batch packed = pack(alone, vocabulary_size(), max_positions());
  ready_ = false;
  for (std::size_t p = 0; p < prompts.size(); ++p) {
    const packed_segment& rows = packed.groups[p].prompt;
    packed.head_rows.push_back(rows.begin + rows.length - 1);
    numbers[p] = cache.add_prompt(rows.length);
  }
  const matrix_view x = embed(packed.tokens, packed.positions);
  for (std::size_t i = 0; i < config().layers; ++i) {
    blocks_.forward(parameters_, i, x, packed.positions, nullptr,
                    [&](const attention_shape& shape, const_matrix_view qkv, matrix_view out) {
                      places_.clear();
                      for (std::size_t p = 0; p < prompts.size(); ++p) {
                        for (std::size_t t = 0; t < prompts[p].size(); ++t) {
                          places_.push_back(cache.prompt_position(numbers[p], i, t));
                        }
                      }
                      Backend::append_cache(qkv, shape, places_);
                      Backend::attend(packed, shape, qkv, out);
                    });
  }
  select_and_norm(packed, x);
  write_logits(const_matrix_view{normed_.data(), prompts.size(), config().width}, logits);
}

template <compute_backend Backend>
const_matrix_view transformer<Backend>::append(cache_type& cache, std::span<const std::size_t> rows,
                                               std::span<const token_id> tokens) {
  check_length(tokens.size(), rows.size());
  detail::check_tokens(tokens, vocabulary_size(), [] { return std::string("decode"); });
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
  sorted_rows_.assign(rows.begin(), rows.end());
  std::sort(sorted_rows_.begin(), sorted_rows_.end());
  const auto twice = std::adjacent_find(sorted_rows_.begin(), sorted_rows_.end());
  if (twice != sorted_rows_.end()) {
    throw usage_error("decode: row " + std::to_string(*twice) + " stands twice");
  }
  for (const std::size_t row : rows) cache.extend(row);
  const matrix_view x = embed(tokens, step_positions_);
  for (std::size_t i = 0; i < config().layers; ++i) {
    blocks_.forward(parameters_, i, x, step_positions_, nullptr,
                    [&](const attention_shape& shape, const_matrix_view qkv, matrix_view out) {
                      cache.contexts(i, rows, contexts_);
                      places_.clear();
                      for (const std::size_t row : rows) {
                        places_.push_back(cache.last_position(row, i));
                      }
                      Backend::append_cache(qkv, shape, places_);
                      Backend::attend_cached(contexts_, shape, qkv, out);
                    });
  }
  const matrix_view normed = normed_.as(x.rows, x.columns);
  parameters_.final_norm().apply(x, normed);
  return normed;
}

template <compute_backend Backend>
void transformer<Backend>::run(const packed_batch& batch, bool keep) {
  const matrix_view x = embed(batch.tokens, batch.positions);
  const auto attend = attention_over(batch);
  for (std::size_t i = 0; i < config().layers; ++i) {
    if (keep && checkpoints_) Backend::copy(x, layers_[i].input.as(x.rows, x.columns));
    kept_activations<Backend>* const to = keep && !checkpoints_ ? &layers_[i] : nullptr;
    blocks_.forward(parameters_, i, x, batch.positions, to, attend);
  }
  select_and_norm(batch, x);
}

template <compute_backend Backend>
void transformer<Backend>::token_log_probs(const packed_batch& batch) {
  by_row_.resize(batch.predictions.size());
  std::iota(by_row_.begin(), by_row_.end(), std::size_t{0});
  std::sort(by_row_.begin(), by_row_.end(), [&](std::size_t a, std::size_t b) {
    return std::pair(batch.predictions[a].row, a) < std::pair(batch.predictions[b].row, b);
  });
  log_probs_.resize(batch.predictions.size());
  log_sums_.resize(batch.head_rows.size());
  const const_matrix_view x{normed_.data(), batch.head_rows.size(), config().width};
  auto& head = parameters_.head();
  Backend::head_log_probs(x, head.prepared(), head.bias().value.data, batch.predictions, by_row_,
                          logits_, log_sums_, log_probs_);
}

template <compute_backend Backend>
void transformer<Backend>::announce(const std::string& name) {
  if (!announce_ || !parameters_.trains_base()) return;
  Backend::synchronize();
  const std::span<const parameter> all = parameters_.all();
  const auto first = std::find_if(all.begin(), all.end(),
                                  [&](const parameter& p) { return p.name.starts_with(name); });
  announce_(static_cast<std::size_t>(first - all.begin()));
}

template <compute_backend Backend>
void transformer<Backend>::backward_layer(std::size_t i, matrix_view dx) {
  if (!checkpoints_) {
    blocks_.backward(parameters_, i, batch_, layers_[i], dx);
    return;
  }
  std::swap(again_.input, layers_[i].input);
  blocks_.forward_again(parameters_, i, dx.rows, batch_.positions, again_, attention_over(batch_));
  blocks_.backward(parameters_, i, batch_, again_, dx);
  std::swap(again_.input, layers_[i].input);
}

template <compute_backend Backend>
void transformer<Backend>::backward_head(std::span<const double> weights) {
  token_weights_.resize(batch_.predictions.size());
  for (std::size_t n = 0; n < token_weights_.size(); ++n) {
    token_weights_[n] = static_cast<float>(weights[batch_.predictions[n].response]);
  }
  const std::size_t rows = batch_.head_rows.size();
  const std::size_t width = config().width;
  const matrix_view dnormed = scratch_.as(rows, width);
  auto& head = parameters_.head();
  Backend::head_backward(const_matrix_view{normed_.data(), rows, width}, head.prepared(),
                         head.bias().value.data, head.weight().value, batch_.predictions, by_row_,
                         log_sums_, token_weights_, logits_, dnormed, head.weight().gradient,
                         head.bias().gradient.data);
  const matrix_view dselected = delta_.as(rows, width);
  Backend::fill(dselected, 0.0F);
  parameters_.final_norm().backward(const_matrix_view{selected_.data(), rows, width}, dnormed,
                                    dselected);
  const matrix_view dx = gradient_.as(batch_.tokens.size(), width);
  Backend::fill(dx, 0.0F);
  Backend::scatter_rows(dselected, batch_.head_rows, dx);
}

}  // namespace prefopt
