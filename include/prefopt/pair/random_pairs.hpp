#pragma once

#include <algorithm>
#include <cstddef>
#include <span>

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
    shuffle(drawn.pairs, stream);
    drawn.pairs.resize(std::min(count, drawn.pairs.size()));
    return drawn;
  }
};

static_assert(pair_sampler<random_pairs>);

}  // namespace prefopt
