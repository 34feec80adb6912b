#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "options.hpp"

namespace experiment {

/// One training run of a sweep: a method with its settings, a number of pairs and a seed.
struct sweep_point {
  std::string method;
  std::string offset = "none";  ///< "none" for methods without one
  double alpha = 0;             ///< 0 for methods without an offset
  double beta = 0;              ///< 0 for methods without one (SLiC)
  double margin = 0;            ///< SLiC's delta, SimPO's gamma; 0 for other methods
  double lambda = 0;            ///< SLiC's; 0 for other methods
  std::size_t pairs = 0;        ///< 0: all
  std::uint64_t seed = 1;

  bool operator==(const sweep_point&) const = default;

  /// Says all of the point's settings; it is the name of its folder.
  [[nodiscard]] std::string name() const;
  /// The method as a picture's legend names it: without what sets how far it
  /// goes (beta, margin, lambda, pairs) and the seed.
  [[nodiscard]] std::string series() const;
};

/// The product of all lists of the options, each point once: a method ignores what it does not
/// have, so DPO appears once however many offsets there are.
std::vector<sweep_point> sweep_points(const options& chosen);

}  // namespace experiment
