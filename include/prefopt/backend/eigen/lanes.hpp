#pragma once

#include <array>
#include <cstddef>

namespace prefopt::detail {

// Sums in a fixed order. A compiler may not reorder a sum of floats, so a plain loop does not
// vectorize; a sum of `lane_count` partial sums does, and its order depends on the length alone:
// not on alignment, threads or what else is computed. That is what keeps a response's log-prob the
// same in every batch.

inline constexpr std::size_t lane_count = 16;

/// sum_i term(i), i < count.
template <class Term>
float lane_sum(std::size_t count, Term term) {
  std::array<float, lane_count> lanes{};
  std::size_t i = 0;
  for (; i + lane_count <= count; i += lane_count) {
    for (std::size_t j = 0; j < lane_count; ++j) lanes[j] += term(i + j);
  }
  for (std::size_t j = 0; i + j < count; ++j) lanes[j] += term(i + j);
  for (std::size_t width = lane_count / 2; width > 0; width /= 2) {
    for (std::size_t j = 0; j < width; ++j) lanes[j] += lanes[j + width];
  }
  return lanes[0];
}

/// max_i term(i); NaN wins, so that it is not lost.
template <class Term>
float lane_max(std::size_t count, Term term) {
  std::array<float, lane_count> lanes;
  lanes.fill(-__builtin_inff());
  const auto larger = [](float a, float b) { return a > b || a != a ? a : b; };
  std::size_t i = 0;
  for (; i + lane_count <= count; i += lane_count) {
    for (std::size_t j = 0; j < lane_count; ++j) lanes[j] = larger(lanes[j], term(i + j));
  }
  for (std::size_t j = 0; i + j < count; ++j) lanes[j] = larger(lanes[j], term(i + j));
  float best = lanes[0];
  for (std::size_t j = 1; j < lane_count; ++j) best = larger(best, lanes[j]);
  return best;
}

}  // namespace prefopt::detail
