#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include <prefopt/backend/product_kind.hpp>
#include <prefopt/data/token.hpp>
#include <prefopt/model/classifier.hpp>
#include <prefopt/model/encoder_config.hpp>
#include <prefopt/model/language_model.hpp>

namespace prefopt {

/// An `encoder_classifier<Backend>` of any backend behind one type, as `any_transformer` is for
/// decoders.
class any_classifier {
 public:
  template <class Model>
  requires(!std::same_as<Model, any_classifier>) any_classifier(
      Model model)  // NOLINT(google-explicit-constructor): it stands for any classifier
      : model_(std::make_unique<holder<Model>>(std::move(model))) {}
  any_classifier(const any_classifier& other) : model_(other.model_->copy()) {}
  any_classifier(any_classifier&&) noexcept = default;
  any_classifier& operator=(const any_classifier& other) { return *this = any_classifier(other); }
  any_classifier& operator=(any_classifier&&) noexcept = default;
  ~any_classifier() = default;

  void initialize(std::uint64_t seed) {
    initialize(seed, [](const std::string&) { return true; });
  }
  void initialize(std::uint64_t seed, const std::function<bool(const std::string&)>& chosen) {
    model_->initialize(seed, chosen);
  }
  [[nodiscard]] const encoder_config& config() const { return model_->config(); }
  [[nodiscard]] std::size_t classes() const { return config().labels.size(); }
  [[nodiscard]] product_kind products() const { return model_->products(); }

  [[nodiscard]] std::span<const parameter> parameters() { return model_->parameters(); }
  void zero_gradients() { model_->zero_gradients(); }
  void parameters_changed() { model_->parameters_changed(); }

  void forward(std::span<const token_sequence> texts, std::span<float> logits) {
    model_->forward(texts, logits);
  }
  void logits(std::span<const token_sequence> texts, std::span<float> logits) {
    model_->logits(texts, logits);
  }
  void backward(std::span<const float> gradients) { model_->backward(gradients); }

 private:
  struct interface {
    interface() = default;
    interface(const interface&) = delete;
    interface& operator=(const interface&) = delete;
    virtual ~interface() = default;
    [[nodiscard]] virtual std::unique_ptr<interface> copy() const = 0;
    virtual void initialize(std::uint64_t, const std::function<bool(const std::string&)>&) = 0;
    [[nodiscard]] virtual const encoder_config& config() const = 0;
    [[nodiscard]] virtual product_kind products() const = 0;
    virtual std::span<const parameter> parameters() = 0;
    virtual void zero_gradients() = 0;
    virtual void parameters_changed() = 0;
    virtual void forward(std::span<const token_sequence>, std::span<float>) = 0;
    virtual void logits(std::span<const token_sequence>, std::span<float>) = 0;
    virtual void backward(std::span<const float>) = 0;
  };

  template <class Model>
  struct holder final : interface {
    explicit holder(Model model) : held(std::move(model)) {}
    [[nodiscard]] std::unique_ptr<interface> copy() const override {
      return std::make_unique<holder>(held);
    }
    void initialize(std::uint64_t seed,
                    const std::function<bool(const std::string&)>& chosen) override {
      held.initialize(seed, chosen);
    }
    [[nodiscard]] const encoder_config& config() const override { return held.config(); }
    [[nodiscard]] product_kind products() const override { return held.products(); }
    std::span<const parameter> parameters() override { return held.parameters(); }
    void zero_gradients() override { held.zero_gradients(); }
    void parameters_changed() override { held.parameters_changed(); }
    void forward(std::span<const token_sequence> texts, std::span<float> logits) override {
      held.forward(texts, logits);
    }
    void logits(std::span<const token_sequence> texts, std::span<float> logits) override {
      held.logits(texts, logits);
    }
    void backward(std::span<const float> gradients) override { held.backward(gradients); }

    Model held;
  };

  std::unique_ptr<interface> model_;
};

static_assert(trainable_classifier<any_classifier>);

}  // namespace prefopt
