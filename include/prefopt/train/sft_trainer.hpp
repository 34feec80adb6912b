#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <prefopt/core/communicator.hpp>
#include <prefopt/core/error.hpp>
#include <prefopt/data/response_batch.hpp>
#include <prefopt/data/token.hpp>
#include <prefopt/model/language_model.hpp>
#include <prefopt/train/content_hash.hpp>
#include <prefopt/train/optimizer.hpp>
#include <prefopt/train/training_loop.hpp>
#include <prefopt/train/training_options.hpp>

namespace prefopt {

/// A text to learn. The loss is over the tokens of `response`; `prompt` is read only and has at
/// least one token (a model says nothing of a first token).
struct sft_example {
  token_sequence prompt;
  token_sequence response;
};

/// The example whose loss is over a whole text of two tokens or more (all but its first, which
/// nothing precedes). Throws `usage_error` for a shorter one.
inline sft_example example_of_text(std::span<const token_id> tokens) {
  if (tokens.size() < 2) throw usage_error("example_of_text: a text needs at least two tokens");
  return {{tokens[0]}, {tokens.begin() + 1, tokens.end()}};
}

namespace detail {

/// Texts as the training loop sees them: the loss is the negative mean log-prob of a token.
template <class Model>
class sft_task {
 public:
  sft_task(Model& model, std::span<const sft_example> training,
           std::span<const sft_example> held_out, std::size_t batch_size)
      : model_(model), training_(training), held_out_(held_out), batch_size_(batch_size) {}

  std::size_t accumulate(std::span<const std::size_t> examples, double total, std::size_t step) {
    const response_batch batch = gather(training_, examples);
    std::vector<double> log_probs(examples.size());
    model_.forward(batch, std::span<double>(log_probs));
    for (std::size_t i = 0; i < examples.size(); ++i) {
      if (!std::isfinite(log_probs[i])) {
        throw numeric_error(step, examples[i],
                            "the text's log-prob is " + std::to_string(log_probs[i]));
      }
      loss_sum_ -= log_probs[i];
      loss_tokens_ += training_[examples[i]].response.size();
    }
    const std::vector<double> weights(examples.size(), -1.0 / total);
    model_.backward(std::span<const double>(weights));
    return tokens(examples);
  }

  [[nodiscard]] std::size_t tokens(std::span<const std::size_t> examples) const {
    std::size_t sum = 0;
    for (const std::size_t i : examples) {
      sum += training_[i].prompt.size() + training_[i].response.size();
    }
    return sum;
  }

  [[nodiscard]] std::vector<std::size_t> groups() const {
    std::vector<std::size_t> list(training_.size());
    std::iota(list.begin(), list.end(), std::size_t{0});
    return list;
  }

  [[nodiscard]] double weight(std::size_t i) const {
    return static_cast<double>(training_[i].response.size());
  }

  template <communicator Communicator>
  metric_list take_metrics(Communicator& ranks) {
    std::array sums = {loss_sum_, static_cast<double>(loss_tokens_)};
    ranks.sum(std::span<double>(sums));
    loss_sum_ = 0.0;
    loss_tokens_ = 0;
    return {{"loss", sums[0] / sums[1]}};
  }

  template <communicator Communicator>
  metric_list evaluate(Communicator& ranks) {
    if (held_out_.empty()) return {};
    std::array sums = {0.0, 0.0};  // of -log-probs, of tokens
    std::vector<std::size_t> numbers;
    std::vector<double> log_probs;
    const auto [first, last] = own_share(ranks, held_out_.size());
    for (std::size_t begin = first; begin < last; begin += batch_size_) {
      numbers.resize(std::min(batch_size_, last - begin));
      std::iota(numbers.begin(), numbers.end(), begin);
      log_probs.resize(numbers.size());
      model_.log_probs(gather(held_out_, numbers), std::span<double>(log_probs));
      for (const double value : log_probs) sums[0] -= value;
      for (const std::size_t i : numbers) {
        sums[1] += static_cast<double>(held_out_[i].response.size());
      }
    }
    ranks.sum(std::span<double>(sums));
    return {{"eval_loss", sums[0] / sums[1]}};
  }

  [[nodiscard]] run_settings settings() const {
    content_hash hash;
    for (const sft_example& example : training_) {
      hash.add(std::span<const token_id>(example.prompt));
      hash.add(std::span<const token_id>(example.response));
    }
    return {{"data", hash.text()}, {"loss", "negative mean log-prob of a token"}};
  }

 private:
  static response_batch gather(std::span<const sft_example> from,
                               std::span<const std::size_t> numbers) {
    response_batch batch;
    for (const std::size_t i : numbers) {
      batch.groups.push_back({from[i].prompt, {from[i].response}});
    }
    return batch;
  }

  Model& model_;
  std::span<const sft_example> training_;
  std::span<const sft_example> held_out_;
  std::size_t batch_size_;
  double loss_sum_ = 0.0;
  std::size_t loss_tokens_ = 0;
};

}  // namespace detail

/// Supervised fine-tuning: minimizes the negative mean log-prob of the responses' tokens, the mean
/// over all tokens of a step, as other trainers do.
///
///     sft_trainer trainer(model, examples, options);
///     adamw optimizer;
///     return trainer.train(optimizer).exit_code();
template <trainable_model Model>
class sft_trainer {
 public:
  /// Model and examples are viewed and must outlive the trainer. Throws `usage_error` for an
  /// example without prompt or response.
  sft_trainer(Model& model, std::span<const sft_example> examples, training_options options = {})
      : model_(model), examples_(examples), options_(std::move(options)) {
    check(examples);
    if (examples.empty()) throw usage_error("sft_trainer: there is no example");
  }

  /// Held-out examples: their loss is reported as eval_loss.
  void evaluate_on(std::span<const sft_example> held_out) {
    check(held_out);
    held_out_ = held_out;
  }

  /// Runs to the end, or until a signal; see `training_options` and `training_result`. Throws
  /// `numeric_error` (its pair is the example) where a loss or gradient is not finite.
  template <optimizer Optimizer>
  training_result train(Optimizer& optimizer) {
    single_process alone;
    return train(optimizer, alone);
  }

  /// The same on several processes, each of which has the same model, examples and options.
  template <optimizer Optimizer, communicator Communicator>
  training_result train(Optimizer& optimizer, Communicator& ranks) {
    detail::sft_task<Model> texts(model_, examples_, held_out_, options_.batch_size);
    return training_loop(model_, texts, optimizer, options_, ranks);
  }

 private:
  static void check(std::span<const sft_example> examples) {
    for (std::size_t i = 0; i < examples.size(); ++i) {
      if (examples[i].prompt.empty() || examples[i].response.empty()) {
        throw usage_error("sft_trainer: example " + std::to_string(i) + " has an empty " +
                          (examples[i].prompt.empty() ? "prompt" : "response"));
      }
    }
  }

  Model& model_;
  std::span<const sft_example> examples_;
  std::span<const sft_example> held_out_;
  training_options options_;
};

}  // namespace prefopt
