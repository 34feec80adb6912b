#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <prefopt/core/communicator.hpp>
#include <prefopt/core/error.hpp>
#include <prefopt/data/token.hpp>
#include <prefopt/model/classifier.hpp>
#include <prefopt/score/ngram_classifier.hpp>
#include <prefopt/text/sequence_encoder.hpp>
#include <prefopt/train/content_hash.hpp>
#include <prefopt/train/optimizer.hpp>
#include <prefopt/train/training_loop.hpp>
#include <prefopt/train/training_options.hpp>

namespace prefopt {

/// A text to learn, with its special tokens, and the number of its class.
struct classifier_example {
  token_sequence tokens;
  std::size_t label = 0;
};

/// Texts as a classifier of two classes learns them: class 1 is the positive one.
struct classifier_examples {
  std::vector<classifier_example> examples;
  std::size_t cut = 0;     ///< texts that were too long, see `sequence_encoder`
  std::size_t tokens = 0;  ///< of all texts
};

classifier_examples encode_labelled(std::span<const labelled_text> texts,
                                    const sequence_encoder& encoder);

/// How well a classifier knows some examples.
struct classifier_quality {
  double loss = 0.0;      ///< mean of -log p(label)
  double accuracy = 0.0;  ///< share of texts whose label has the largest logit
};

namespace detail {

/// -log p(label) by softmax, and its slope with respect to each logit, written to `slopes`.
double cross_entropy(std::span<const float> logits, std::size_t label, std::span<float> slopes);

bool is_right(std::span<const float> logits, std::size_t label);

/// Labelled texts as the training loop sees them.
template <class Model>
class classifier_task {
 public:
  classifier_task(Model& model, std::span<const classifier_example> training,
                  std::span<const classifier_example> held_out, std::size_t batch_size)
      : model_(model), training_(training), held_out_(held_out), batch_size_(batch_size) {}

  std::size_t accumulate(std::span<const std::size_t> examples, double total, std::size_t step) {
    const std::size_t classes = model_.classes();
    texts_.clear();
    for (const std::size_t i : examples) texts_.push_back(training_[i].tokens);
    logits_.resize(examples.size() * classes);
    slopes_.resize(logits_.size());
    model_.forward(texts_, logits_);
    for (std::size_t i = 0; i < examples.size(); ++i) {
      const auto logits = std::span<const float>(logits_).subspan(i * classes, classes);
      for (const float z : logits) {
        if (!std::isfinite(z)) {
          throw numeric_error(step, examples[i], "a logit is " + std::to_string(z));
        }
      }
      const auto slopes = std::span<float>(slopes_).subspan(i * classes, classes);
      const std::size_t label = training_[examples[i]].label;
      loss_ += cross_entropy(logits, label, slopes);
      right_ += is_right(logits, label) ? 1 : 0;
      for (float& slope : slopes) slope = static_cast<float>(slope / total);
    }
    count_ += examples.size();
    model_.backward(slopes_);
    return tokens(examples);
  }

  [[nodiscard]] std::size_t tokens(std::span<const std::size_t> examples) const {
    std::size_t sum = 0;
    for (const std::size_t i : examples) sum += training_[i].tokens.size();
    return sum;
  }

  [[nodiscard]] std::vector<std::size_t> groups() const {
    std::vector<std::size_t> list(training_.size());
    std::iota(list.begin(), list.end(), std::size_t{0});
    return list;
  }

  [[nodiscard]] static double weight(std::size_t) { return 1.0; }

  template <communicator Communicator>
  metric_list take_metrics(Communicator& ranks) {
    std::array sums = {loss_, static_cast<double>(right_), static_cast<double>(count_)};
    ranks.sum(std::span<double>(sums));
    loss_ = 0.0;
    right_ = count_ = 0;
    return {{"loss", sums[0] / sums[2]}, {"accuracy", sums[1] / sums[2]}};
  }

  template <communicator Communicator>
  metric_list evaluate(Communicator& ranks);

  [[nodiscard]] run_settings settings() const {
    content_hash hash;
    for (const classifier_example& example : training_) {
      hash.add(std::span<const token_id>(example.tokens));
      hash.add(std::string_view(std::to_string(example.label)));
    }
    return {{"data", hash.text()}, {"loss", "cross-entropy of a class"}};
  }

 private:
  Model& model_;
  std::span<const classifier_example> training_;
  std::span<const classifier_example> held_out_;
  std::size_t batch_size_;
  std::vector<token_sequence> texts_;
  std::vector<float> logits_;
  std::vector<float> slopes_;
  double loss_ = 0.0;
  std::size_t right_ = 0;
  std::size_t count_ = 0;
};

}  // namespace detail

/// Computes the logits of `batch_size` examples at a time. `on_progress(done)` is called after
/// each. Throws `usage_error` without an example or for a label that the model does not have.
template <classifier Model, class OnProgress>
classifier_quality evaluate_classifier(Model& model, std::span<const classifier_example> examples,
                                       std::size_t batch_size, OnProgress on_progress) {
  const std::size_t classes = model.classes();
  if (examples.empty() || batch_size == 0) {
    throw usage_error("evaluate_classifier: there is no example, or batch_size is 0");
  }
  double loss = 0.0;
  std::size_t right = 0;
  std::vector<token_sequence> texts;
  std::vector<float> logits;
  std::vector<float> slopes(classes);
  for (std::size_t begin = 0; begin < examples.size(); begin += batch_size) {
    const auto part = examples.subspan(begin, std::min(batch_size, examples.size() - begin));
    texts.clear();
    for (const classifier_example& example : part) texts.push_back(example.tokens);
    logits.resize(part.size() * classes);
    model.logits(texts, logits);
    for (std::size_t i = 0; i < part.size(); ++i) {
      if (part[i].label >= classes) throw usage_error("evaluate_classifier: a label is no class");
      const auto row = std::span<const float>(logits).subspan(i * classes, classes);
      loss += detail::cross_entropy(row, part[i].label, slopes);
      right += detail::is_right(row, part[i].label) ? 1 : 0;
    }
    on_progress(begin + part.size());
  }
  const auto n = static_cast<double>(examples.size());
  return {loss / n, static_cast<double>(right) / n};
}

template <classifier Model>
classifier_quality evaluate_classifier(Model& model, std::span<const classifier_example> examples,
                                       std::size_t batch_size = 16) {
  return evaluate_classifier(model, examples, batch_size, [](std::size_t) {});
}

template <class Model>
template <communicator Communicator>
metric_list detail::classifier_task<Model>::evaluate(Communicator& ranks) {
  if (held_out_.empty()) return {};
  const rank_share share = own_share(ranks, held_out_.size());
  std::array sums = {0.0, 0.0};  // of losses, of right ones
  if (share.size() > 0) {
    const classifier_quality q =
        evaluate_classifier(model_, held_out_.subspan(share.begin, share.size()), batch_size_);
    sums = {q.loss * static_cast<double>(share.size()),
            q.accuracy * static_cast<double>(share.size())};
  }
  ranks.sum(std::span<double>(sums));
  const auto n = static_cast<double>(held_out_.size());
  return {{"eval_loss", sums[0] / n}, {"eval_accuracy", sums[1] / n}};
}

/// Fine-tunes a classifier on labelled texts: minimizes the mean of -log p(label), with
/// p by softmax over the classes.
///
///     classifier_trainer trainer(model, examples, options);
///     adamw optimizer;
///     return trainer.train(optimizer).exit_code();
template <trainable_classifier Model>
class classifier_trainer {
 public:
  /// Model and examples are viewed and must outlive the trainer. Throws `usage_error` where there
  /// is no example, one has no token, or a label that the model does not have.
  classifier_trainer(Model& model, std::span<const classifier_example> examples,
                     training_options options = {})
      : model_(model), examples_(examples), options_(std::move(options)) {
    check(examples);
    if (examples.empty()) throw usage_error("classifier_trainer: there is no example");
  }

  /// Held-out examples: reported as eval_loss and eval_accuracy.
  void evaluate_on(std::span<const classifier_example> held_out) {
    check(held_out);
    held_out_ = held_out;
  }

  /// Runs to the end, or until a signal; see `training_options` and `training_result`. Throws
  /// `numeric_error` (its pair is the example) where a logit or gradient is not finite.
  template <optimizer Optimizer>
  training_result train(Optimizer& optimizer) {
    single_process alone;
    return train(optimizer, alone);
  }

  /// The same on several processes, each of which has the same model, examples and options.
  template <optimizer Optimizer, communicator Communicator>
  training_result train(Optimizer& optimizer, Communicator& ranks) {
    detail::classifier_task<Model> texts(model_, examples_, held_out_, options_.batch_size);
    return training_loop(model_, texts, optimizer, options_, ranks);
  }

 private:
  void check(std::span<const classifier_example> examples) const {
    for (std::size_t i = 0; i < examples.size(); ++i) {
      const std::string where = "classifier_trainer: example " + std::to_string(i);
      if (examples[i].tokens.empty()) throw usage_error(where + " has no token");
      if (examples[i].label >= model_.classes()) {
        throw usage_error(where + " has label " + std::to_string(examples[i].label) +
                          ", but there are " + std::to_string(model_.classes()) + " classes");
      }
    }
  }

  Model& model_;
  std::span<const classifier_example> examples_;
  std::span<const classifier_example> held_out_;
  training_options options_;
};

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/train/classifier_trainer.ipp>
#endif
