#pragma once

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <span>
#include <vector>

#include <prefopt/pair/pair_sampler.hpp>

namespace prefopt {

/// Each of the `count` best responses against each of the `count` worst: count^2 pairs, those with
/// the widest gaps. With fewer than 2 * count responses, the best and worst M / 2 are used, so that
/// no response is on both sides. Equal scores keep the order of the responses.
struct best_vs_worst {
  std::size_t count = 1;

  sampled_pairs operator()(std::span<const double> scores, random_stream&) const {
    detail::require_finite_scores(scores);
    if (count == 0) throw usage_error("best_vs_worst: count must be at least 1, but is 0");
    std::vector<std::size_t> order(scores.size());  // best first
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(), [&](std::size_t i, std::size_t j) {
      return scores[i] != scores[j] ? scores[i] > scores[j] : i < j;
    });
    const std::size_t side = std::min(count, scores.size() / 2);
    sampled_pairs drawn;
    for (std::size_t best = 0; best < side; ++best) {
      for (std::size_t worst = 0; worst < side; ++worst) {
        detail::add_ranked(drawn, scores, order[best], order[order.size() - 1 - worst]);
      }
    }
    return drawn;
  }
};

static_assert(pair_sampler<best_vs_worst>);

}  // namespace prefopt
