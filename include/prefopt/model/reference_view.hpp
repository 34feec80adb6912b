#pragma once

#include <concepts>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include <prefopt/backend/draw_options.hpp>
#include <prefopt/backend/sampled_token.hpp>
#include <prefopt/core/error.hpp>
#include <prefopt/data/response_batch.hpp>
#include <prefopt/data/token.hpp>
#include <prefopt/model/decoding_model.hpp>
#include <prefopt/model/language_model.hpp>

namespace prefopt {

/// A model whose training may be of an adapter, with which off it is its own reference.
///
/// 1. `model.activate_adapter(on)` puts the adapter on or off: this is the defining operation.
/// 2. `model.has_adapter()`, `model.adapter_active()` say whether there is one and it is on.
/// 3. `model.base_parameters()` are the model's own, which with an adapter do not change.
template <class Model>
concept adapted_model = requires(Model& model, bool on) {
  model.activate_adapter(on);
  { model.has_adapter() } -> std::convertible_to<bool>;
  { model.adapter_active() } -> std::convertible_to<bool>;
  { *model.base_parameters().begin() } -> std::convertible_to<const parameter&>;
};

/// The model as it is without its adapter: a reference that needs no second copy of the weights. It
/// views the model, switches the adapter off for the time of each call, and cannot be trained. It
/// computes log-probs, logits and responses as the model does.
template <adapted_model Model>
class reference_view {
 public:
  /// Throws `usage_error` where the model has no adapter: it would be its own reference forever.
  explicit reference_view(Model& model) : model_(&model) {
    if (!model.has_adapter()) {
      throw usage_error("reference_view: the model has no adapter; a reference is a copy of it");
    }
  }

  void forward(const response_batch& batch, std::span<double> log_probs) {
    this->log_probs(batch, log_probs);
  }
  [[noreturn]] void backward(std::span<const double>) const {
    throw usage_error("reference_view: a reference has no gradient");
  }
  void log_probs(const response_batch& batch, std::span<double> log_probs) {
    const adapter_off off(*model_);
    model_->log_probs(batch, log_probs);
  }
  [[nodiscard]] std::vector<std::vector<float>> token_log_probs(const response_batch& batch) {
    const adapter_off off(*model_);
    return model_->token_log_probs(batch);
  }
  template <class Visit>
  void visit_logits(const response_batch& batch, Visit&& visit) {
    const adapter_off off(*model_);
    model_->visit_logits(batch, std::forward<Visit>(visit));
  }

  using cache_type = typename Model::cache_type;
  [[nodiscard]] cache_type make_cache() const { return model_->make_cache(); }
  void prefill(cache_type& cache, std::span<const token_sequence> prompts, std::span<float> logits,
               std::span<std::size_t> numbers) {
    const adapter_off off(*model_);
    model_->prefill(cache, prompts, logits, numbers);
  }
  void decode(cache_type& cache, std::span<const std::size_t> rows,
              std::span<const token_id> tokens, std::span<float> logits) {
    const adapter_off off(*model_);
    model_->decode(cache, rows, tokens, logits);
  }
  void draw(cache_type& cache, std::span<const std::size_t> rows, std::span<const token_id> tokens,
            const draw_options& how, std::span<const double> uniforms,
            std::span<sampled_token> drawn) requires drawing_model<Model> {
    const adapter_off off(*model_);
    model_->draw(cache, rows, tokens, how, uniforms, drawn);
  }
  std::size_t add_row(cache_type& cache, std::size_t prompt) const {
    return model_->add_row(cache, prompt);
  }
  void remove_row(cache_type& cache, std::size_t row) const { model_->remove_row(cache, row); }
  void remove_prompt(cache_type& cache, std::size_t prompt) const {
    model_->remove_prompt(cache, prompt);
  }

  [[nodiscard]] std::size_t vocabulary_size() const { return model_->vocabulary_size(); }
  [[nodiscard]] std::size_t max_positions() const { return model_->max_positions(); }

 private:
  class adapter_off {
   public:
    explicit adapter_off(Model& model) : model_(model), was_(model.adapter_active()) {
      model_.activate_adapter(false);
    }
    adapter_off(const adapter_off&) = delete;
    adapter_off& operator=(const adapter_off&) = delete;
    ~adapter_off() { model_.activate_adapter(was_); }

   private:
    Model& model_;
    bool was_;
  };

  Model* model_;
};

}  // namespace prefopt
