#pragma once

#include <prefopt/eval/pareto.hpp>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <unordered_map>

#include <prefopt/core/config.hpp>
#include <prefopt/core/error.hpp>

namespace prefopt {

PREFOPT_INLINE bool dominates(const tradeoff& a, const tradeoff& b) {
  return a.kl <= b.kl && a.reward >= b.reward && (a.kl < b.kl || a.reward > b.reward);
}

PREFOPT_INLINE std::vector<std::size_t> pareto_front(std::span<const tradeoff> points) {
  for (std::size_t i = 0; i < points.size(); ++i) {
    if (std::isnan(points[i].kl) || std::isnan(points[i].reward)) {
      throw usage_error("Pareto front: point " + std::to_string(i) + " has a NaN");
    }
  }
  std::vector<std::size_t> order(points.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return points[a].kl < points[b].kl ||
           (points[a].kl == points[b].kl && points[a].reward > points[b].reward);
  });
  // In this order a point is dominated by the best reward before it, unless it is that very point
  // again.
  std::vector<std::size_t> front;
  for (const std::size_t i : order) {
    if (!front.empty()) {
      const tradeoff& best = points[front.back()];
      if (points[i].reward < best.reward ||
          (points[i].reward == best.reward && points[i].kl != best.kl)) {
        continue;
      }
    }
    front.push_back(i);
  }
  return front;
}

PREFOPT_INLINE std::vector<front_share> front_shares(std::span<const tradeoff> points,
                                                     std::span<const std::string> methods) {
  if (points.size() != methods.size()) {
    throw usage_error("Pareto front: " + std::to_string(points.size()) +
                      " points, but methods of " + std::to_string(methods.size()));
  }
  std::vector<front_share> shares;
  std::unordered_map<std::string, std::size_t> place;
  for (const std::string& method : methods) {
    const std::size_t at = place.try_emplace(method, shares.size()).first->second;
    if (at == shares.size()) shares.push_back({method, 0, 0, 0.0});
    ++shares[at].points;
  }
  const auto front = pareto_front(points);
  for (const std::size_t i : front) ++shares[place.at(methods[i])].on_front;
  for (front_share& share : shares) {
    share.share = static_cast<double>(share.on_front) / static_cast<double>(front.size());
  }
  return shares;
}

}  // namespace prefopt
