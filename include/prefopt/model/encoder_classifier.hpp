#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include <prefopt/backend/compute_backend.hpp>
#include <prefopt/backend/packed_batch.hpp>
#include <prefopt/backend/product_kind.hpp>
#include <prefopt/core/error.hpp>
#include <prefopt/data/token.hpp>
#include <prefopt/model/classifier.hpp>
#include <prefopt/model/encoder.hpp>
#include <prefopt/model/encoder_config.hpp>
#include <prefopt/model/encoder_parameters.hpp>

namespace prefopt {

/// An encoder with a sequence-classification head: BERT, MiniLM, DistilBERT and RoBERTa as
/// `encoder_config` describes them. It is a `trainable_classifier`. Texts come with their special
/// tokens (`sequence_encoder`). There is no dropout, in training either.
template <compute_backend Backend>
class encoder_classifier {
 public:
  using backend_type = Backend;

  /// All weights 0. Throws `usage_error` for a description that cannot be.
  explicit encoder_classifier(const encoder_config& config) : parameters_(config) {}
  /// A copy has the weights of the original and gradients of zero.
  encoder_classifier(const encoder_classifier& other) : parameters_(other.parameters_) {}
  encoder_classifier(encoder_classifier&&) noexcept = default;
  encoder_classifier& operator=(const encoder_classifier& other) {
    return *this = encoder_classifier(other);
  }
  encoder_classifier& operator=(encoder_classifier&&) noexcept = default;
  ~encoder_classifier() = default;

  /// Random weights, of every parameter or of those that `chosen(name)` picks.
  void initialize(std::uint64_t seed) {
    initialize(seed, [](const std::string&) { return true; });
  }
  template <class Chosen>
  void initialize(std::uint64_t seed, Chosen chosen) {
    Backend::synchronize();
    parameters_.initialize(seed, chosen);
  }

  [[nodiscard]] const encoder_config& config() const { return parameters_.config(); }
  [[nodiscard]] std::size_t classes() const { return config().labels.size(); }
  /// The numbers that its products are in from now on: those of its backend.
  [[nodiscard]] static product_kind products() { return Backend::products(); }

  /// In the order of `encoder_layout`. Values and gradients are what the calls before have made of
  /// them.
  [[nodiscard]] std::span<const parameter> parameters() {
    Backend::synchronize();
    return parameters_.all();
  }
  void zero_gradients() {
    parameters_.zero_gradients();
    Backend::synchronize();
  }
  void parameters_changed() { parameters_.changed(); }

  void forward(std::span<const token_sequence> texts, std::span<float> logits);

  void logits(std::span<const token_sequence> texts, std::span<float> logits) {
    check_length(logits.size(), texts.size() * classes());
    const packed_batch packed = pack_texts(texts, config());
    ready_ = false;
    run(packed, false, logits);
  }

  void backward(std::span<const float> gradients);

 private:
  using array = typename Backend::array;

  static void check_length(std::size_t found, std::size_t expected) {
    if (found == expected) return;
    throw usage_error("encoder_classifier: an array has " + std::to_string(found) +
                      " elements where " + std::to_string(expected) + " are needed");
  }

  void run(const packed_batch& batch, bool keep, std::span<float> logits);

  encoder_parameters<Backend> parameters_;
  encoder<Backend> encoder_;
  packed_batch batch_;  // of the last forward pass, as are states_ and dense_
  bool ready_ = false;
  array states_;  // (texts, D): of the first tokens
  array dense_;   // (texts, D), before the activation
  array active_, logits_, gradient_, dstates_;
};

template <compute_backend Backend>
void encoder_classifier<Backend>::forward(std::span<const token_sequence> texts,
                                          std::span<float> logits) {
  ready_ = false;
  check_length(logits.size(), texts.size() * classes());
  batch_ = pack_texts(texts, config());
  run(batch_, true, logits);
  ready_ = true;
}

template <compute_backend Backend>
void encoder_classifier<Backend>::backward(std::span<const float> gradients) {
  if (!ready_) throw usage_error("encoder_classifier: backward needs a forward before it");
  const std::size_t texts = batch_.groups.size();
  check_length(gradients.size(), texts * classes());
  ready_ = false;
  if (texts == 0) return;
  const std::size_t width = config().width;
  const matrix_view dlogits = logits_.as(texts, classes());
  Backend::write(gradients, dlogits);
  const matrix_view dense = dense_.as(texts, width);
  const matrix_view active = active_.as(texts, width);
  Backend::activate(config().head_activation, dense, {}, active);
  const matrix_view ddense = gradient_.as(texts, width);
  parameters_.head_output().backward(active, dlogits, ddense, false);
  Backend::activate_backward(config().head_activation, dense, {}, ddense, ddense, {});
  const matrix_view dstates = dstates_.as(texts, width);
  parameters_.head_dense().backward(states_.as(texts, width), ddense, dstates, false);
  encoder_.backward(parameters_, batch_, dstates);
  Backend::synchronize();  // the gradients are there
}

template <compute_backend Backend>
void encoder_classifier<Backend>::run(const packed_batch& batch, bool keep,
                                      std::span<float> logits) {
  const std::size_t texts = batch.groups.size();
  if (texts == 0) return;
  const std::size_t width = config().width;
  const matrix_view states = states_.as(texts, width);
  encoder_.forward(parameters_, batch, keep, states);
  const matrix_view dense = dense_.as(texts, width);
  parameters_.head_dense().apply(states, dense);
  const matrix_view active = active_.as(texts, width);
  Backend::activate(config().head_activation, dense, {}, active);
  const matrix_view out = logits_.as(texts, classes());
  parameters_.head_output().apply(active, out);
  Backend::read(out, logits);
}

}  // namespace prefopt
