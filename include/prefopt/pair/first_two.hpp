#pragma once

#include <span>

#include <prefopt/pair/pair_sampler.hpp>

namespace prefopt {

/// The first two responses, or nothing if they tie or there are fewer: one comparison a prompt.
struct first_two {
  sampled_pairs operator()(std::span<const double> scores, random_stream&) const {
    detail::require_finite_scores(scores);
    sampled_pairs drawn;
    if (scores.size() >= 2) detail::add_ranked(drawn, scores, 0, 1);
    return drawn;
  }
};

static_assert(pair_sampler<first_two>);

}  // namespace prefopt
