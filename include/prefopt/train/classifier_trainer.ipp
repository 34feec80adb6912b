#pragma once

#include <prefopt/train/classifier_trainer.hpp>

#include <prefopt/core/config.hpp>

namespace prefopt {

PREFOPT_INLINE classifier_examples encode_labelled(std::span<const labelled_text> texts,
                                                   const sequence_encoder& encoder) {
  classifier_examples result;
  result.examples.reserve(texts.size());
  for (const labelled_text& text : texts) {
    auto [tokens, cut] = encoder(text.text, {.special_tokens = false});
    result.cut += cut ? 1 : 0;
    result.tokens += tokens.size();
    result.examples.push_back({std::move(tokens), text.positive ? std::size_t{1} : 0});
  }
  return result;
}

namespace detail {

PREFOPT_INLINE double cross_entropy(std::span<const float> logits, std::size_t label,
                                    std::span<float> slopes) {
  const double top = *std::max_element(logits.begin(), logits.end());
  double sum = 0.0;
  for (const float z : logits) sum += std::exp(static_cast<double>(z) - top);
  const double log_sum = top + std::log(sum);
  for (std::size_t c = 0; c < slopes.size(); ++c) {
    const double p = std::exp(static_cast<double>(logits[c]) - log_sum);
    slopes[c] = static_cast<float>(p - (c == label ? 1.0 : 0.0));
  }
  return log_sum - static_cast<double>(logits[label]);
}

PREFOPT_INLINE bool is_right(std::span<const float> logits, std::size_t label) {
  const auto best = std::max_element(logits.begin(), logits.end());
  return static_cast<std::size_t>(best - logits.begin()) == label;
}

}  // namespace detail

}  // namespace prefopt
