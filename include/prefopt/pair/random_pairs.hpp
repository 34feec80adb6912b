#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <prefopt/pair/pair_sampler.hpp>

namespace prefopt {

/// `count` different pairs drawn uniformly from those with unequal scores, all of them where there
/// are no more. `ties` counts every tie among the responses, since any could have been drawn.
struct random_pairs {
  std::size_t count = 1;

  sampled_pairs operator()(std::span<const double> scores, random_stream& stream) const {
    detail::require_finite_scores(scores);
    sampled_pairs drawn;
    for (std::size_t i = 0; i < scores.size(); ++i) {
      for (std::size_t j = i + 1; j < scores.size(); ++j) detail::add_ranked(drawn, scores, i, j);
    }
    // The first `count` steps of a Fisher-Yates shuffle.
    const std::size_t total = drawn.pairs.size();
    const std::size_t wanted = std::min(count, total);
    for (std::size_t k = 0; k < wanted; ++k) {
      const std::size_t other = k + stream.below(static_cast<std::uint32_t>(total - k));
      std::swap(drawn.pairs[k], drawn.pairs[other]);
    }
    drawn.pairs.resize(wanted);
    return drawn;
  }
};

static_assert(pair_sampler<random_pairs>);

}  // namespace prefopt
