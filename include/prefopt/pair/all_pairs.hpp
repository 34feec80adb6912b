#pragma once

#include <cstddef>
#include <span>

#include <prefopt/pair/pair_sampler.hpp>

namespace prefopt {

/// Every pair with unequal scores: up to M (M - 1) / 2 (Amini et al. 2024, Eq. 17).
struct all_pairs {
  sampled_pairs operator()(std::span<const double> scores, random_stream&) const {
    detail::require_finite_scores(scores);
    sampled_pairs drawn;
    for (std::size_t i = 0; i < scores.size(); ++i) {
      for (std::size_t j = i + 1; j < scores.size(); ++j) detail::add_ranked(drawn, scores, i, j);
    }
    return drawn;
  }
};

static_assert(pair_sampler<all_pairs>);

}  // namespace prefopt
