#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace prefopt {

/// What a run is judged by: how far it went from the reference (lower is better) and what it
/// reached (higher is better).
struct tradeoff {
  double kl = 0.0;
  double reward = 0.0;
};

/// One is at least as good in both and better in one of the two.
bool dominates(const tradeoff& a, const tradeoff& b);

/// Positions of the points that no other dominates, from the lowest KL to the highest; equal points
/// in the order given, all on the front or none. Throws `usage_error` for a number that is NaN.
std::vector<std::size_t> pareto_front(std::span<const tradeoff> points);

/// A method's part of a front.
struct front_share {
  std::string method;
  std::size_t points = 0;    ///< how many points the method has
  std::size_t on_front = 0;  ///< how many of them are on the joint front
  double share = 0.0;        ///< on_front / all points on the joint front
};

/// Amini et al. (2024), section 6.1 and Fig. 4: the share of the points on the joint front of all
/// methods that belong to each; shares add up to 1. `methods[i]` names the method of point i.
/// Methods come in the order of their first points; one without a point on the front has share 0.
/// Equal points of two methods both count.
std::vector<front_share> front_shares(std::span<const tradeoff> points,
                                      std::span<const std::string> methods);

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/eval/pareto.ipp>
#endif
