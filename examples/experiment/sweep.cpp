#include "sweep.hpp"

#include <algorithm>
#include <utility>

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
  if (margin != 0) text += fmt::format("_margin{}", margin);
  if (lambda != 0) text += fmt::format("_lambda{}", lambda);
  if (pairs != 0) text += fmt::format("_pairs{}", pairs);
  return text + fmt::format("_seed{}", seed);
}

std::vector<sweep_point> sweep_points(const options& chosen) {
  // One axis after the other: each multiplies the points by its values, and a method that does not
  // have the setting keeps one point.
  std::vector<sweep_point> points = {{}};
  const auto multiply = [&](const auto& values, auto apply) {
    std::vector<sweep_point> product;
    for (const sweep_point& point : points) {
      for (const auto& value : values) {
        sweep_point next = point;
        apply(next, value);
        if (std::find(product.begin(), product.end(), next) == product.end()) {
          product.push_back(next);
        }
      }
    }
    points = std::move(product);
  };
  multiply(chosen.pairs, [](sweep_point& p, std::size_t pairs) { p.pairs = pairs; });
  multiply(chosen.methods, [](sweep_point& p, const std::string& method) { p.method = method; });
  multiply(chosen.betas, [](sweep_point& p, double beta) {
    if (p.method != "slic") p.beta = beta;
  });
  multiply(chosen.margins, [](sweep_point& p, double margin) {
    if (p.method == "slic" || p.method == "simpo") p.margin = margin;
  });
  multiply(chosen.lambdas, [](sweep_point& p, double lambda) {
    if (p.method == "slic") p.lambda = lambda;
  });
  multiply(chosen.offsets, [](sweep_point& p, const std::string& offset) {
    if (p.method == "odpo" || p.method == "softmax-margin") p.offset = offset;
  });
  multiply(chosen.alphas, [](sweep_point& p, double alpha) {
    if (p.method == "odpo") p.alpha = alpha;
  });
  multiply(chosen.seeds, [](sweep_point& p, std::uint64_t seed) { p.seed = seed; });
  return points;
}

}  // namespace experiment
