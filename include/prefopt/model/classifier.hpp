#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include <prefopt/data/token.hpp>
#include <prefopt/model/encoder_config.hpp>
#include <prefopt/model/language_model.hpp>

namespace prefopt {

/// Tokens of a text to one number, a logit, for each of some classes.
///
/// 1. `model.forward(texts, logits)` writes the logits of text t to `logits[t * classes]` and what
///    follows it, and keeps what `backward` needs. This is the defining operation.
///    `logits.size() == texts.size() * model.classes()`.
/// 2. `model.backward(gradients)` adds the gradient of sum_i gradients[i] * logits[i] to the
///    model's gradients, i over the logits of the last `forward`. It is called at most once for a
///    `forward`.
/// 3. `model.logits(texts, logits)` writes the very numbers of `forward`, and keeps nothing.
/// 4. `model.classes()` is their number.
/// 5. A text's logits do not depend on what else is in the batch.
template <class Model>
concept classifier = requires(Model& model, std::span<const token_sequence> texts,
                              std::span<float> logits, std::span<const float> gradients) {
  model.forward(texts, logits);
  model.backward(gradients);
  model.logits(texts, logits);
  { model.classes() } -> std::convertible_to<std::size_t>;
};

/// A classifier whose parameters prefopt's optimizers may change.
template <class Model>
concept trainable_classifier = classifier<Model> && parameter_owner<Model>;

/// The smallest classifier, for tests: the logit of class c is the sum of the weights w[token][c]
/// of a text's tokens.
class bag_of_tokens_classifier {
 public:
  bag_of_tokens_classifier(std::size_t vocabulary, std::size_t classes)
      : classes_(classes),
        values_(vocabulary * classes),
        gradients_(values_.size()),
        parameters_{{"weight", {vocabulary, classes}, values_, gradients_, true}} {}
  bag_of_tokens_classifier(const bag_of_tokens_classifier&) = delete;
  bag_of_tokens_classifier& operator=(const bag_of_tokens_classifier&) = delete;
  ~bag_of_tokens_classifier() = default;

  void forward(std::span<const token_sequence> texts, std::span<float> out) {
    texts_.assign(texts.begin(), texts.end());
    logits(texts, out);
  }
  void logits(std::span<const token_sequence> texts, std::span<float> out) const {
    std::fill(out.begin(), out.end(), 0.0F);
    for_each(texts, [&](std::size_t weight, std::size_t logit) { out[logit] += values_[weight]; });
  }
  void backward(std::span<const float> gradients) {
    for_each(texts_, [&](std::size_t weight, std::size_t logit) {
      gradients_[weight] += gradients[logit];
    });
  }
  [[nodiscard]] std::size_t classes() const { return classes_; }
  [[nodiscard]] std::span<const parameter> parameters() const { return parameters_; }
  void zero_gradients() { std::fill(gradients_.begin(), gradients_.end(), 0.0F); }
  void parameters_changed() {}

 private:
  template <class Visit>
  void for_each(std::span<const token_sequence> texts, Visit visit) const {
    for (std::size_t t = 0; t < texts.size(); ++t) {
      for (const token_id token : texts[t]) {
        for (std::size_t c = 0; c < classes_; ++c) {
          visit(static_cast<std::size_t>(token) * classes_ + c, t * classes_ + c);
        }
      }
    }
  }

  std::size_t classes_;
  std::vector<float> values_;     // (vocabulary, classes)
  std::vector<float> gradients_;  // the same
  std::vector<parameter> parameters_;
  std::vector<token_sequence> texts_;
};
static_assert(trainable_classifier<bag_of_tokens_classifier>);

/// What a text's logits say of each class, in place of the logits: probabilities by softmax, or by
/// the logistic function of each; a regression's numbers stay.
inline std::vector<double> class_values(problem_kind problem, std::span<const float> logits) {
  std::vector<double> values(logits.begin(), logits.end());
  if (problem == problem_kind::multi_label) {
    for (double& v : values) v = 1.0 / (1.0 + std::exp(-v));
  } else if (problem == problem_kind::single_label) {
    const double top = *std::max_element(values.begin(), values.end());
    double sum = 0.0;
    for (double& v : values) sum += v = std::exp(v - top);
    for (double& v : values) v /= sum;
  }
  return values;
}

}  // namespace prefopt
