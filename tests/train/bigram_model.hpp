#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include <prefopt/core/random.hpp>
#include <prefopt/model/language_model.hpp>

namespace prefopt::test {

/// A softmax over the next token given the one before, plus a bias: the smallest model that really
/// learns. Log-probs are computed in double from float weights.
class bigram_model {
 public:
  explicit bigram_model(std::size_t vocabulary, std::uint64_t seed = 1)
      : vocabulary_(vocabulary),
        table_(vocabulary * vocabulary),
        table_gradient_(table_.size()),
        bias_(vocabulary),
        bias_gradient_(vocabulary) {
    random_stream random(seed);
    for (float& w : table_) w = static_cast<float>(random.uniform() - 0.5);
  }

  void forward(const response_batch& batch, std::span<double> log_probs) {
    batch_ = batch;
    this->log_probs(batch, log_probs);
  }

  void log_probs(const response_batch& batch, std::span<double> log_probs) {
    std::size_t r = 0;
    for (const response_group& group : batch.groups) {
      for (const auto& response : group.responses) {
        double sum = 0.0;
        token_id last = group.prompt.back();
        for (const token_id token : response) {
          sum += distribution(last)[static_cast<std::size_t>(token)];
          last = token;
          ++tokens_computed;
        }
        log_probs[r++] = sum;
      }
    }
  }

  void backward(std::span<const double> weights) {
    std::size_t r = 0;
    trained_tokens.push_back(0);
    for (const response_group& group : batch_.groups) {
      trained_tokens.back() += group.prompt.size();
      for (const auto& response : group.responses) {
        const double weight = weights[r++];
        trained_tokens.back() += response.size();
        token_id last = group.prompt.back();
        for (const token_id token : response) {
          const std::vector<double> logs = distribution(last);
          for (std::size_t v = 0; v < vocabulary_; ++v) {
            const double hit = v == static_cast<std::size_t>(token) ? 1.0 : 0.0;
            const auto g = static_cast<float>(weight * (hit - std::exp(logs[v])));
            table_gradient_[row(last) + v] += g;
            bias_gradient_[v] += g;
          }
          last = token;
        }
      }
    }
  }

  [[nodiscard]] std::vector<parameter> parameters() {
    return {{"table", {vocabulary_, vocabulary_}, table_, table_gradient_, true},
            {"bias", {vocabulary_}, bias_, bias_gradient_, false}};
  }
  void zero_gradients() {
    std::fill(table_gradient_.begin(), table_gradient_.end(), 0.0F);
    std::fill(bias_gradient_.begin(), bias_gradient_.end(), 0.0F);
  }
  void parameters_changed() { ++changes; }

  [[nodiscard]] std::vector<float> weights() const {
    std::vector<float> all = table_;
    all.insert(all.end(), bias_.begin(), bias_.end());
    return all;
  }
  [[nodiscard]] std::vector<float> gradients() const {
    std::vector<float> all = table_gradient_;
    all.insert(all.end(), bias_gradient_.begin(), bias_gradient_.end());
    return all;
  }

  std::size_t tokens_computed = 0;
  std::vector<std::size_t> trained_tokens;  // of each backward pass, its batch's
  std::size_t changes = 0;

 protected:
  /// Of the last `forward`.
  [[nodiscard]] const response_batch& batch() const { return batch_; }

 private:
  [[nodiscard]] std::size_t row(token_id token) const {
    return static_cast<std::size_t>(token) * vocabulary_;
  }

  [[nodiscard]] std::vector<double> distribution(token_id last) const {
    std::vector<double> logits(vocabulary_);
    double top = -1e300;
    for (std::size_t v = 0; v < vocabulary_; ++v) {
      logits[v] = static_cast<double>(table_[row(last) + v]) + bias_[v];
      if (!(logits[v] <= top)) top = logits[v];
    }
    double sum = 0.0;
    for (const double l : logits) sum += std::exp(l - top);
    const double log_sum = top + std::log(sum);
    for (double& l : logits) l -= log_sum;
    return logits;
  }

  std::size_t vocabulary_;
  std::vector<float> table_;  // (vocabulary, vocabulary)
  std::vector<float> table_gradient_;
  std::vector<float> bias_;  // (vocabulary)
  std::vector<float> bias_gradient_;
  response_batch batch_;
};
static_assert(trainable_model<bigram_model>);

}  // namespace prefopt::test
