#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include <prefopt/backend/draw_options.hpp>
#include <prefopt/backend/product_kind.hpp>
#include <prefopt/backend/sampled_token.hpp>
#include <prefopt/core/error.hpp>
#include <prefopt/data/response_batch.hpp>
#include <prefopt/data/token.hpp>
#include <prefopt/model/decoding_model.hpp>
#include <prefopt/model/distribution_model.hpp>
#include <prefopt/model/language_model.hpp>
#include <prefopt/model/lora_layout.hpp>
#include <prefopt/model/lora_options.hpp>
#include <prefopt/model/transformer_config.hpp>

namespace prefopt {

/// A `transformer<Backend>` of any backend behind one type: for programs whose device is chosen at
/// run time, so that what uses models is compiled once, and a device's models where that device's
/// compiler is. It costs a virtual call a pass. Each function is that of `transformer` of its name;
/// a copy has a copy of the model, and one that was moved from has none.
class any_transformer {
  struct cache_interface;

 public:
  /// Keys and values of the model's backend. A cache goes with models of its backend alone.
  class cache_type {
   public:
    cache_type(cache_type&&) noexcept = default;
    cache_type& operator=(cache_type&&) noexcept = default;

   private:
    friend class any_transformer;
    explicit cache_type(std::unique_ptr<cache_interface> held) : held_(std::move(held)) {}
    std::unique_ptr<cache_interface> held_;
  };

  template <class Model>
  requires(!std::same_as<Model, any_transformer>) any_transformer(
      Model model)  // NOLINT(google-explicit-constructor): it stands for any transformer
      : model_(std::make_unique<holder<Model>>(std::move(model))) {}
  any_transformer(const any_transformer& other) : model_(other.model_->copy()) {}
  any_transformer(any_transformer&&) noexcept = default;
  any_transformer& operator=(const any_transformer& other) {
    return *this = any_transformer(other);
  }
  any_transformer& operator=(any_transformer&&) noexcept = default;
  ~any_transformer() = default;

  void initialize(std::uint64_t seed) { model_->initialize(seed); }
  [[nodiscard]] const transformer_config& config() const { return model_->config(); }
  [[nodiscard]] std::size_t vocabulary_size() const { return config().vocabulary; }
  [[nodiscard]] std::size_t max_positions() const { return config().max_positions; }
  [[nodiscard]] product_kind products() const { return model_->products(); }

  [[nodiscard]] std::span<const parameter> parameters() { return model_->parameters(); }
  [[nodiscard]] std::span<const parameter> base_parameters() { return model_->base_parameters(); }
  void zero_gradients() { model_->zero_gradients(); }
  void parameters_changed() { model_->parameters_changed(); }
  void checkpoint_activations(bool on) { model_->checkpoint_activations(on); }

  void add_adapter(std::vector<lora_module> modules, const lora_options& options,
                   std::uint64_t seed) {
    model_->add_adapter(std::move(modules), options, seed);
  }
  [[nodiscard]] bool has_adapter() const { return model_->has_adapter(); }
  [[nodiscard]] bool adapter_active() const { return model_->adapter_active(); }
  void activate_adapter(bool on) { model_->activate_adapter(on); }
  [[nodiscard]] const lora_options& adapter_options() { return model_->adapter_options(); }
  [[nodiscard]] const std::vector<lora_module>& adapter_modules() {
    return model_->adapter_modules();
  }
  void merge_adapter() { model_->merge_adapter(); }
  void remove_adapter() { model_->remove_adapter(); }

  void announce_gradients(std::function<void(std::size_t)> announce) {
    model_->announce_gradients(std::move(announce));
  }
  void forward(const response_batch& batch, std::span<double> log_probs) {
    model_->forward(batch, log_probs);
  }
  void backward(std::span<const double> weights) { model_->backward(weights); }
  void log_probs(const response_batch& batch, std::span<double> log_probs) {
    model_->log_probs(batch, log_probs);
  }
  [[nodiscard]] std::vector<std::vector<float>> token_log_probs(const response_batch& batch) {
    return model_->token_log_probs(batch);
  }
  template <class Visit>
  void visit_logits(const response_batch& batch, Visit&& visit) {
    model_->visit_logits(batch, std::ref(visit));
  }

  [[nodiscard]] cache_type make_cache() const { return cache_type(model_->make_cache()); }
  void prefill(cache_type& cache, std::span<const token_sequence> prompts, std::span<float> logits,
               std::span<std::size_t> numbers) {
    model_->prefill(*cache.held_, prompts, logits, numbers);
  }
  void decode(cache_type& cache, std::span<const std::size_t> rows,
              std::span<const token_id> tokens, std::span<float> logits) {
    model_->decode(*cache.held_, rows, tokens, logits);
  }
  void draw(cache_type& cache, std::span<const std::size_t> rows, std::span<const token_id> tokens,
            const draw_options& how, std::span<const double> uniforms,
            std::span<sampled_token> drawn) {
    model_->draw(*cache.held_, rows, tokens, how, uniforms, drawn);
  }
  std::size_t add_row(cache_type& cache, std::size_t prompt) const {
    return model_->add_row(*cache.held_, prompt);
  }
  void remove_row(cache_type& cache, std::size_t row) const {
    model_->remove_row(*cache.held_, row);
  }
  void remove_prompt(cache_type& cache, std::size_t prompt) const {
    model_->remove_prompt(*cache.held_, prompt);
  }

 private:
  using logits_visitor = std::function<void(std::size_t, std::size_t, std::span<const float>)>;

  struct cache_interface {
    cache_interface() = default;
    cache_interface(const cache_interface&) = delete;
    cache_interface& operator=(const cache_interface&) = delete;
    virtual ~cache_interface() = default;
  };

  struct interface {
    interface() = default;
    interface(const interface&) = delete;
    interface& operator=(const interface&) = delete;
    virtual ~interface() = default;
    [[nodiscard]] virtual std::unique_ptr<interface> copy() const = 0;
    virtual void initialize(std::uint64_t seed) = 0;
    [[nodiscard]] virtual const transformer_config& config() const = 0;
    [[nodiscard]] virtual product_kind products() const = 0;
    virtual std::span<const parameter> parameters() = 0;
    virtual std::span<const parameter> base_parameters() = 0;
    virtual void zero_gradients() = 0;
    virtual void parameters_changed() = 0;
    virtual void checkpoint_activations(bool on) = 0;
    virtual void add_adapter(std::vector<lora_module>, const lora_options&, std::uint64_t) = 0;
    [[nodiscard]] virtual bool has_adapter() const = 0;
    [[nodiscard]] virtual bool adapter_active() const = 0;
    virtual void activate_adapter(bool on) = 0;
    virtual const lora_options& adapter_options() = 0;
    virtual const std::vector<lora_module>& adapter_modules() = 0;
    virtual void merge_adapter() = 0;
    virtual void remove_adapter() = 0;
    virtual void announce_gradients(std::function<void(std::size_t)>) = 0;
    virtual void forward(const response_batch&, std::span<double>) = 0;
    virtual void backward(std::span<const double>) = 0;
    virtual void log_probs(const response_batch&, std::span<double>) = 0;
    virtual std::vector<std::vector<float>> token_log_probs(const response_batch&) = 0;
    virtual void visit_logits(const response_batch&, const logits_visitor&) = 0;
    [[nodiscard]] virtual std::unique_ptr<cache_interface> make_cache() const = 0;
    virtual void prefill(cache_interface&, std::span<const token_sequence>, std::span<float>,
                         std::span<std::size_t>) = 0;
    virtual void decode(cache_interface&, std::span<const std::size_t>, std::span<const token_id>,
                        std::span<float>) = 0;
    virtual void draw(cache_interface&, std::span<const std::size_t>, std::span<const token_id>,
                      const draw_options&, std::span<const double>, std::span<sampled_token>) = 0;
    virtual std::size_t add_row(cache_interface&, std::size_t) const = 0;
    virtual void remove_row(cache_interface&, std::size_t) const = 0;
    virtual void remove_prompt(cache_interface&, std::size_t) const = 0;
  };

  template <class Model>
  struct holder final : interface {
    explicit holder(Model model) : held(std::move(model)) {}

    [[nodiscard]] std::unique_ptr<interface> copy() const override {
      return std::make_unique<holder>(held);
    }
    void initialize(std::uint64_t seed) override { held.initialize(seed); }
    [[nodiscard]] const transformer_config& config() const override { return held.config(); }
    [[nodiscard]] product_kind products() const override { return held.products(); }
    std::span<const parameter> parameters() override { return held.parameters(); }
    std::span<const parameter> base_parameters() override { return held.base_parameters(); }
    void zero_gradients() override { held.zero_gradients(); }
    void parameters_changed() override { held.parameters_changed(); }
    void checkpoint_activations(bool on) override { held.checkpoint_activations(on); }
    void add_adapter(std::vector<lora_module> modules, const lora_options& options,
                     std::uint64_t seed) override {
      held.add_adapter(std::move(modules), options, seed);
    }
    [[nodiscard]] bool has_adapter() const override { return held.has_adapter(); }
    [[nodiscard]] bool adapter_active() const override { return held.adapter_active(); }
    void activate_adapter(bool on) override { held.activate_adapter(on); }
    const lora_options& adapter_options() override { return held.adapter_options(); }
    const std::vector<lora_module>& adapter_modules() override { return held.adapter_modules(); }
    void merge_adapter() override { held.merge_adapter(); }
    void remove_adapter() override { held.remove_adapter(); }
    void announce_gradients(std::function<void(std::size_t)> announce) override {
      held.announce_gradients(std::move(announce));
    }
    void forward(const response_batch& batch, std::span<double> log_probs) override {
      held.forward(batch, log_probs);
    }
    void backward(std::span<const double> weights) override { held.backward(weights); }
    void log_probs(const response_batch& batch, std::span<double> log_probs) override {
      held.log_probs(batch, log_probs);
    }
    std::vector<std::vector<float>> token_log_probs(const response_batch& batch) override {
      return held.token_log_probs(batch);
    }
    void visit_logits(const response_batch& batch, const logits_visitor& visit) override {
      held.visit_logits(batch, visit);
    }
    [[nodiscard]] std::unique_ptr<cache_interface> make_cache() const override {
      return std::make_unique<held_cache>(held.make_cache());
    }
    void prefill(cache_interface& cache, std::span<const token_sequence> prompts,
                 std::span<float> logits, std::span<std::size_t> numbers) override {
      held.prefill(of(cache), prompts, logits, numbers);
    }
    void decode(cache_interface& cache, std::span<const std::size_t> rows,
                std::span<const token_id> tokens, std::span<float> logits) override {
      held.decode(of(cache), rows, tokens, logits);
    }
    void draw(cache_interface& cache, std::span<const std::size_t> rows,
              std::span<const token_id> tokens, const draw_options& how,
              std::span<const double> uniforms, std::span<sampled_token> drawn) override {
      held.draw(of(cache), rows, tokens, how, uniforms, drawn);
    }
    std::size_t add_row(cache_interface& cache, std::size_t prompt) const override {
      return held.add_row(of(cache), prompt);
    }
    void remove_row(cache_interface& cache, std::size_t row) const override {
      held.remove_row(of(cache), row);
    }
    void remove_prompt(cache_interface& cache, std::size_t prompt) const override {
      held.remove_prompt(of(cache), prompt);
    }

   private:
    using cache = typename Model::cache_type;
    struct held_cache final : cache_interface {
      explicit held_cache(cache c) : held(std::move(c)) {}
      cache held;
    };
    static cache& of(cache_interface& any) {
      if (auto* const ours = dynamic_cast<held_cache*>(&any)) return ours->held;
      throw usage_error("any_transformer: the cache is one of another backend's models");
    }

    Model held;
  };

  std::unique_ptr<interface> model_;
};

static_assert(trainable_model<any_transformer>);
static_assert(announcing_model<any_transformer>);
static_assert(drawing_model<any_transformer>);
static_assert(distribution_model<any_transformer>);

}  // namespace prefopt
