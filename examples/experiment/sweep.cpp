#include "sweep.hpp"

#include <set>

#include <fmt/format.h>

namespace experiment {

std::string sweep_point::series() const {
  if (offset == "none") return method;
  return method + " " + offset + (alpha != 0 ? fmt::format(" alpha {}", alpha) : "");
}

std::string sweep_point::name() const {
  std::string text = method;
  if (offset != "none") text += "_" + offset;
  if (alpha != 0) text += fmt::format("_alpha{}", alpha);
  if (beta != 0) text += fmt::format("_beta{}", beta);
  if (pairs != 0) text += fmt::format("_pairs{}", pairs);
  return text + fmt::format("_seed{}", seed);
}

std::vector<sweep_point> sweep_points(const options& chosen) {
  std::vector<sweep_point> points;
  std::set<std::string> seen;
  for (const std::size_t pairs : chosen.pairs) {
    for (const double beta : chosen.betas) {
      for (const std::string& method : chosen.methods) {
        for (const std::string& offset : chosen.offsets) {
          for (const double alpha : chosen.alphas) {
            for (const std::uint64_t seed : chosen.seeds) {
              sweep_point point;
              point.method = method;
              if (method == "odpo" || method == "softmax-margin") point.offset = offset;
              if (method == "odpo") point.alpha = alpha;
              if (method != "slic") point.beta = beta;
              point.pairs = pairs;
              point.seed = seed;
              if (seen.insert(point.name()).second) points.push_back(point);
            }
          }
        }
      }
    }
  }
  return points;
}

}  // namespace experiment
