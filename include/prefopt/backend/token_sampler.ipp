#pragma once

#include <prefopt/backend/token_sampler.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>

#include <prefopt/core/config.hpp>
#include <prefopt/core/math.hpp>

namespace prefopt {

PREFOPT_INLINE token_sampler::token_sampler(const draw_options& options) : options_(options) {
  validate(options);
}

PREFOPT_INLINE void token_sampler::use(const draw_options& options) {
  validate(options);
  options_ = options;
}

PREFOPT_INLINE sampled_token token_sampler::pick(std::span<const float> logits, double uniform) {
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

PREFOPT_INLINE bool token_sampler::find_largest(std::span<const float> logits) {
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

PREFOPT_INLINE double token_sampler::weigh(std::span<const float> logits, float scale) {
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

PREFOPT_INLINE std::size_t token_sampler::draw(double uniform) const {
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

PREFOPT_INLINE std::size_t token_sampler::likeliest() const {
  return static_cast<std::size_t>(std::max_element(weights_.begin(), weights_.end()) -
                                  weights_.begin());
}

PREFOPT_INLINE float token_sampler::bound_of_top(std::size_t count) {
  if (count > block_largest_.size()) return -std::numeric_limits<float>::infinity();
  const auto place = block_largest_.begin() + static_cast<std::ptrdiff_t>(count - 1);
  std::nth_element(block_largest_.begin(), place, block_largest_.end(), std::greater<>());
  return *place;
}

PREFOPT_INLINE std::size_t token_sampler::draw_of_likeliest(std::span<const float> logits,
                                                            double uniform) {
  const bool by_count = options_.cuts_by_count(logits.size());
  const double top_p = options_.top_p;
  const float lowest =
      by_count ? bound_of_top(options_.top_k) : -std::numeric_limits<float>::infinity();
  // Tokens below an even share of what top-p cuts off make up less than that together.
  const double least = by_count ? 0.0 : (1.0 - top_p) * total_ / static_cast<double>(logits.size());
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

PREFOPT_INLINE double token_sampler::shorten(double enough) {
  double sum = 0.0;
  std::size_t count = 0;
  while (count < support_.size() && sum < enough) sum += weight(support_[count++]);
  support_.resize(count);
  return sum;
}

}  // namespace prefopt
