#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <functional>
#include <limits>
#include <span>
#include <vector>

#include <prefopt/backend/draw_options.hpp>
#include <prefopt/backend/sampled_token.hpp>
#include <prefopt/core/math.hpp>
#include <prefopt/data/token.hpp>

namespace prefopt {

/// Draws tokens from rows of logits. Tokens are ordered by logit, of equal ones the smaller id
/// first; top-k keeps the first k, top-p the shortest beginning whose share of the probability that
/// top-k left reaches p. Keeps scratch memory, so one object serves one thread.
class token_sampler {
 public:
  /// Throws `usage_error` where the options cannot be.
  explicit token_sampler(const draw_options& options) : options_(options) { validate(options); }

  /// From now on these options, by the same memory.
  void use(const draw_options& options) {
    validate(options);
    options_ = options;
  }

  /// `logits`: (vocabulary), not empty. `uniform`: in [0, 1), decides the draw. The token is
  /// `no_token` where a logit is NaN or infinite.
  [[nodiscard]] sampled_token pick(std::span<const float> logits, double uniform) {
    if (!find_largest(logits)) return {no_token, 0.0};
    const double log_total = std::log(weigh(logits, 1.0F));
    std::size_t token = 0;
    if (options_.temperature == 0.0) {
      token = static_cast<std::size_t>(std::find(logits.begin(), logits.end(), largest_) -
                                       logits.begin());
    } else {
      if (options_.temperature != 1.0) {
        weigh(logits, static_cast<float>(1.0 / options_.temperature));
      }
      token = options_.cuts(logits.size()) ? draw_of_likeliest(logits, uniform) : draw(uniform);
    }
    return {static_cast<token_id>(token),
            static_cast<double>(logits[token]) - static_cast<double>(largest_) - log_total};
  }

  /// The tokens that the last `pick` drew from, likeliest first; empty where nothing was cut off.
  [[nodiscard]] std::span<const token_id> support() const { return support_; }

 private:
  static constexpr std::size_t block = 128;  // tokens whose weights are summed together
  static constexpr std::size_t lanes = 16;   // independent partial results, so that loops vectorize

  struct candidate {
    float logit;
    token_id token;
    /// "Comes later": the heap's top is the likeliest.
    friend bool operator<(const candidate& a, const candidate& b) {
      return a.logit != b.logit ? a.logit < b.logit : a.token > b.token;
    }
  };

  /// Each block's largest logit and the largest of all. False where a logit is not finite.
  bool find_largest(std::span<const float> logits) {
    support_.clear();
    block_largest_.clear();
    float bad = 0.0F;
    largest_ = -std::numeric_limits<float>::infinity();
    for (std::size_t begin = 0; begin < logits.size(); begin += block) {
      const auto part = logits.subspan(begin, std::min(block, logits.size() - begin));
      std::array<float, lanes> top;
      std::array<float, lanes> odd{};
      top.fill(part[0]);
      std::size_t i = 0;
      for (; i + lanes <= part.size(); i += lanes) {
        for (std::size_t j = 0; j < lanes; ++j) {
          top[j] = part[i + j] > top[j] ? part[i + j] : top[j];
          odd[j] += part[i + j] - part[i + j];  // NaN once something is not finite
        }
      }
      for (; i < part.size(); ++i) {
        top[0] = std::max(top[0], part[i]);
        odd[0] += part[i] - part[i];
      }
      for (const float x : odd) bad += x;
      block_largest_.push_back(*std::max_element(top.begin(), top.end()));
      largest_ = std::max(largest_, block_largest_.back());
    }
    return math::is_finite(bad) && !logits.empty();
  }

  /// weight(v) = exp((logit(v) - largest) / temperature); returns their sum.
  double weigh(std::span<const float> logits, float scale) {
    weights_.resize(logits.size());
    block_sums_.clear();
    total_ = 0.0;
    const float largest = largest_;
    for (std::size_t begin = 0; begin < logits.size(); begin += block) {
      const std::size_t end = std::min(begin + block, logits.size());
      for (std::size_t v = begin; v < end; ++v) {
        weights_[v] = math::exp((logits[v] - largest) * scale);
      }
      double sum = 0.0;
      for (std::size_t v = begin; v < end; ++v) sum += static_cast<double>(weights_[v]);
      block_sums_.push_back(sum);
      total_ += sum;
    }
    return total_;
  }

  /// The first token at which the running sum of weights exceeds uniform * total.
  [[nodiscard]] std::size_t draw(double uniform) const {
    double left = uniform * total_;
    std::size_t b = 0;
    for (; b + 1 < block_sums_.size() && left >= block_sums_[b]; ++b) left -= block_sums_[b];
    std::size_t token = 0;
    for (std::size_t v = b * block; v < std::min((b + 1) * block, weights_.size()); ++v) {
      if (weights_[v] <= 0.0F) continue;
      token = v;  // where rounding carries the sum past the end, the last one with a weight
      left -= static_cast<double>(weights_[v]);
      if (left < 0.0) return token;
    }
    // Rounding can also lead into a block without weights; the likeliest token is never wrong.
    return weights_[token] > 0.0F && token >= b * block ? token : likeliest();
  }

  [[nodiscard]] std::size_t likeliest() const {
    return static_cast<std::size_t>(std::max_element(weights_.begin(), weights_.end()) -
                                    weights_.begin());
  }

  /// A bound that at least `count` logits reach: the count-th largest of the blocks' largest.
  float bound_of_top(std::size_t count) {
    if (count > block_largest_.size()) return -std::numeric_limits<float>::infinity();
    const auto place = block_largest_.begin() + static_cast<std::ptrdiff_t>(count - 1);
    std::nth_element(block_largest_.begin(), place, block_largest_.end(), std::greater<>());
    return *place;
  }

  /// Candidates that may be kept go to a heap, and are taken from it until enough are there: no
  /// order among the rest of the vocabulary is found out.
  std::size_t draw_of_likeliest(std::span<const float> logits, double uniform) {
    const bool by_count = options_.cuts_by_count(logits.size());
    const double top_p = options_.top_p;
    const float lowest =
        by_count ? bound_of_top(options_.top_k) : -std::numeric_limits<float>::infinity();
    // Tokens below an even share of what top-p cuts off make up less than that together.
    const double least =
        by_count ? 0.0 : (1.0 - top_p) * total_ / static_cast<double>(logits.size());
    heap_.clear();
    heap_.reserve(logits.size());  // once: how many there will be changes from token to token
    support_.reserve(logits.size());
    for (std::size_t v = 0; v < logits.size(); ++v) {
      if (logits[v] >= lowest && static_cast<double>(weights_[v]) >= least) {
        heap_.push_back({logits[v], static_cast<token_id>(v)});
      }
    }
    std::make_heap(heap_.begin(), heap_.end());
    double sum = 0.0;
    const std::size_t most = by_count ? options_.top_k : logits.size();
    const double enough =
        by_count || top_p >= 1.0 ? std::numeric_limits<double>::infinity() : top_p * total_;
    while (!heap_.empty() && support_.size() < most && sum < enough) {
      std::pop_heap(heap_.begin(), heap_.end());
      support_.push_back(heap_.back().token);
      sum += weight(support_.back());
      heap_.pop_back();
    }
    if (by_count && top_p < 1.0) sum = shorten(top_p * sum);
    double left = uniform * sum;
    for (const token_id token : support_) {
      left -= weight(token);
      if (left < 0.0) return static_cast<std::size_t>(token);
    }
    return static_cast<std::size_t>(support_.front());  // rounding only
  }

  /// Cuts the support to its shortest beginning that weighs `enough`; returns its weight.
  double shorten(double enough) {
    double sum = 0.0;
    std::size_t count = 0;
    while (count < support_.size() && sum < enough) sum += weight(support_[count++]);
    support_.resize(count);
    return sum;
  }

  [[nodiscard]] double weight(token_id token) const {
    return static_cast<double>(weights_[static_cast<std::size_t>(token)]);
  }

  draw_options options_;
  float largest_ = 0.0F;
  double total_ = 0.0;
  std::vector<float> weights_;        // (vocabulary)
  std::vector<double> block_sums_;    // (blocks)
  std::vector<float> block_largest_;  // (blocks)
  std::vector<candidate> heap_;
  std::vector<token_id> support_;
};

}  // namespace prefopt
