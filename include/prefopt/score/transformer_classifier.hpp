#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <mutex>
#include <numeric>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <prefopt/core/error.hpp>
#include <prefopt/data/token.hpp>
#include <prefopt/model/classifier.hpp>
#include <prefopt/model/classifier_checkpoint.hpp>
#include <prefopt/model/classifier_labels.hpp>
#include <prefopt/score/reward.hpp>
#include <prefopt/score/scorer.hpp>
#include <prefopt/text/load_sequence_encoder.hpp>
#include <prefopt/text/sequence_encoder.hpp>

namespace prefopt {

/// Scores a response by a transformer's classifier: the probability of one class in a form of
/// `reward`, or the class's number itself where the classifier is a regression. The response alone
/// counts; `whole_text` joins the prompt to it. Text that spells a special token is text like any
/// other. A text longer than the model's window is cut as `sequence_encoder` says.
///
/// A score depends on the text alone, to the last bit, and not on what is scored with it. Copies
/// share model and buffers; calls from several threads wait for each other.
template <classifier Model>
class transformer_classifier {
 public:
  /// `chosen` is the class, `problem` what its logits mean.
  transformer_classifier(Model model, sequence_encoder encoder, std::size_t chosen,
                         problem_kind problem = problem_kind::single_label,
                         reward_form form = reward_form::probability)
      : state_(
            std::make_shared<state>(std::move(model), std::move(encoder), chosen, problem, form)) {
    if (chosen >= state_->model.classes()) {
      throw usage_error("transformer_classifier: there is no class " + std::to_string(chosen));
    }
    if (problem == problem_kind::regression && form != reward_form::probability) {
      throw usage_error("transformer_classifier: a regression has no probability to make a reward");
    }
  }

  double operator()(std::string_view, std::string_view response) const {
    return scores(std::span(&response, 1)).front();
  }

  /// The scores of many texts, in their order. Texts of about equal length are computed together,
  /// at most `batch_tokens` tokens at a time but for a longer text.
  [[nodiscard]] std::vector<double> scores(std::span<const std::string_view> texts,
                                           std::size_t batch_tokens = 4096) const {
    return scores(texts, batch_tokens, [](std::size_t) {});
  }

  /// The same; `on_progress(texts done)` is called after each batch.
  template <class OnProgress>
  std::vector<double> scores(std::span<const std::string_view> texts, std::size_t batch_tokens,
                             OnProgress on_progress) const {
    const std::lock_guard lock(state_->mutex);
    std::vector<token_sequence> tokens;
    tokens.reserve(texts.size());
    for (const std::string_view text : texts) {
      tokens.push_back(state_->encoder.encode(text, {.special_tokens = false}));
    }
    std::vector<std::size_t> order(texts.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      return tokens[a].size() < tokens[b].size();
    });
    const std::size_t classes = state_->model.classes();
    std::vector<double> result(texts.size());
    std::vector<token_sequence> batch;
    std::vector<float> logits;
    for (std::size_t begin = 0; begin < order.size();) {
      batch.clear();
      std::size_t total = 0;
      std::size_t end = begin;
      for (; end < order.size(); ++end) {
        total += tokens[order[end]].size();
        if (end > begin && total > batch_tokens) break;
        batch.push_back(std::move(tokens[order[end]]));
      }
      logits.resize(batch.size() * classes);
      state_->model.logits(batch, logits);
      for (std::size_t i = begin; i < end; ++i) {
        const auto row = std::span<const float>(logits).subspan((i - begin) * classes, classes);
        result[order[i]] = score(row, texts[order[i]]);
      }
      begin = end;
      on_progress(begin);
    }
    return result;
  }

  [[nodiscard]] const sequence_encoder& encoder() const { return state_->encoder; }
  [[nodiscard]] std::size_t chosen() const { return state_->chosen; }

 private:
  struct state {
    Model model;
    sequence_encoder encoder;
    std::size_t chosen;
    problem_kind problem;
    reward_form form;
    std::mutex mutex = {};

    state(Model m, sequence_encoder e, std::size_t c, problem_kind p, reward_form f)
        : model(std::move(m)), encoder(std::move(e)), chosen(c), problem(p), form(f) {}
  };

  [[nodiscard]] double score(std::span<const float> logits, std::string_view text) const {
    const double value = class_values(state_->problem, logits)[state_->chosen];
    if (!std::isfinite(value)) {
      throw usage_error("the classifier gives " + std::to_string(value) + " for the text '" +
                        std::string(text.substr(0, 60)) + "'");
    }
    return state_->problem == problem_kind::regression ? value : reward(state_->form, value);
  }

  std::shared_ptr<state> state_;
};

struct classifier_scorer_options {
  std::string label = {};  ///< the class that is the reward, see `reward_class`
  reward_form form = reward_form::probability;
  std::size_t max_tokens = 0;                ///< of a text; 0: the model's window
  std::optional<truncation_side> side = {};  ///< none: as the tokenizer's files say
};

/// The scorer of a classifier's checkpoint folder; `load(checkpoint)` gives the model with the
/// weights of a `classifier_checkpoint`. Throws `checkpoint_error` for the files, and `usage_error`
/// that lists the classes where it is not clear which one is the reward.
template <std::invocable<const classifier_checkpoint&> Load>
auto load_classifier_scorer(const std::filesystem::path& folder,
                            const classifier_scorer_options& options, Load load) {
  const classifier_checkpoint checkpoint = open_classifier(folder);
  const encoder_config& config = checkpoint.config;
  const std::size_t chosen = reward_class(config.labels, options.label);
  sequence_encoder encoder = load_sequence_encoder(folder, config.max_tokens());
  encoder = encoder.limited(options.max_tokens, options.side.value_or(encoder.side()));
  if (encoder.vocabulary_size() > config.vocabulary) {
    throw checkpoint_error(folder.string(), "",
                           "its tokenizer has " + std::to_string(encoder.vocabulary_size()) +
                               " tokens, the model " + std::to_string(config.vocabulary));
  }
  return transformer_classifier(load(checkpoint), std::move(encoder), chosen, config.problem,
                                options.form);
}

/// The same, with a `Model` that is `encoder_classifier<Backend>`.
template <class Model>
transformer_classifier<Model> load_classifier_scorer(
    const std::filesystem::path& folder, const classifier_scorer_options& options = {}) {
  return load_classifier_scorer(folder, options, [](const classifier_checkpoint& checkpoint) {
    return load_classifier<Model>(checkpoint);
  });
}

}  // namespace prefopt
