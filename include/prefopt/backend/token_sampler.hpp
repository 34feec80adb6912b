#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include <prefopt/backend/draw_options.hpp>
#include <prefopt/backend/sampled_token.hpp>
#include <prefopt/data/token.hpp>

namespace prefopt {

/// Draws tokens from rows of logits. Tokens are ordered by logit, of equal ones the smaller id
/// first; top-k keeps the first k, top-p the shortest beginning whose share of the probability that
/// top-k left reaches p. Keeps scratch memory, so one object serves one thread.
class token_sampler {
 public:
  /// Throws `usage_error` where the options cannot be.
  explicit token_sampler(const draw_options& options);

  /// From now on these options, by the same memory.
  void use(const draw_options& options);

  /// `logits`: (vocabulary), not empty. `uniform`: in [0, 1), decides the draw. The token is
  /// `no_token` where a logit is NaN or infinite.
  [[nodiscard]] sampled_token pick(std::span<const float> logits, double uniform);

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
  bool find_largest(std::span<const float> logits);

  /// weight(v) = exp((logit(v) - largest) / temperature); returns their sum.
  double weigh(std::span<const float> logits, float scale);

  /// The first token at which the running sum of weights exceeds uniform * total.
  [[nodiscard]] std::size_t draw(double uniform) const;

  [[nodiscard]] std::size_t likeliest() const;

  /// A bound that at least `count` logits reach: the count-th largest of the blocks' largest.
  float bound_of_top(std::size_t count);

  /// Candidates that may be kept go to a heap, and are taken from it until enough are there: no
  /// order among the rest of the vocabulary is found out.
  std::size_t draw_of_likeliest(std::span<const float> logits, double uniform);

  /// Cuts the support to its shortest beginning that weighs `enough`; returns its weight.
  double shorten(double enough);

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

#if !defined(PREFOPT_COMPILED)
#include <prefopt/backend/token_sampler.ipp>
#endif
