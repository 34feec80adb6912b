#pragma once

#include <prefopt/eval/kl.hpp>

#include <cmath>

#include <Eigen/Core>

#include <prefopt/core/config.hpp>

namespace prefopt {

namespace detail {

struct token_divergence::rows {
  Eigen::ArrayXd policy;      // (vocabulary,)
  Eigen::ArrayXd difference;  // (vocabulary,)
};

inline double log_sum_exp(const Eigen::ArrayXd& logits) {
  const double largest = logits.maxCoeff();
  return largest + std::log((logits - largest).exp().sum());
}

PREFOPT_INLINE token_divergence::token_divergence() : rows_(std::make_unique<rows>()) {}

PREFOPT_INLINE token_divergence::~token_divergence() = default;

PREFOPT_INLINE response_kl token_divergence::operator()(std::span<const float> policy,
                                                        std::span<const float> reference,
                                                        token_id token) {
  const auto size = static_cast<Eigen::Index>(policy.size());
  Eigen::ArrayXd& p = rows_->policy;
  Eigen::ArrayXd& difference = rows_->difference;
  p = Eigen::Map<const Eigen::ArrayXf>(policy.data(), size).cast<double>();
  difference = Eigen::Map<const Eigen::ArrayXf>(reference.data(), size).cast<double>();
  const double log_q = log_sum_exp(difference);
  const double log_p = log_sum_exp(p);
  // log p(v) - log q(v)
  difference = (p - difference) - (log_p - log_q);
  response_kl terms;
  terms.exact = ((p - log_p).exp() * difference).sum();
  terms.k1 = difference(token);
  terms.k3 = std::expm1(-terms.k1) + terms.k1;
  terms.tokens = 1;
  return terms;
}

PREFOPT_INLINE bool all_finite(std::span<const float> logits) {
  const Eigen::Map<const Eigen::ArrayXf> row(logits.data(),
                                             static_cast<Eigen::Index>(logits.size()));
  return row.isFinite().all();
}

PREFOPT_INLINE kl_chunk make_kl_chunk(const response_group& group, std::size_t first,
                                      std::size_t last, const kl_counting& counting) {
  kl_chunk chunk;
  response_group part;
  part.prompt = counting.prompt ? group.prompt.first(1) : group.prompt;
  chunk.texts.reserve(last - first);
  chunk.offsets.push_back(0);
  for (std::size_t r = first; r < last; ++r) {
    std::span<const token_id> tokens = group.responses[r];
    const bool shorter = counting.leaves_out(tokens.back());
    if (counting.prompt) {
      // The first token as prompt and the rest as response: no model need know of this option.
      auto& text = chunk.texts.emplace_back(group.prompt.begin() + 1, group.prompt.end());
      text.insert(text.end(), tokens.begin(), tokens.end());
      tokens = text;
    }
    part.responses.push_back(tokens);
    chunk.offsets.push_back(chunk.offsets.back() + tokens.size());
    chunk.counting.push_back(tokens.first(tokens.size() - (shorter ? 1 : 0)));
  }
  chunk.batch.groups.push_back(std::move(part));
  return chunk;
}

PREFOPT_INLINE double not_negative(double value, std::size_t response, const char* name) {
  if (!std::isfinite(value) || value < -1e-9) {
    throw kl_error(response, std::string(name) + " is " + std::to_string(value) +
                                 "; expected a finite number that is not negative");
  }
  return std::max(value, 0.0);
}

}  // namespace detail

}  // namespace prefopt
