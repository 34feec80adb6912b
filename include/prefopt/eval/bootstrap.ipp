#pragma once

#include <prefopt/eval/bootstrap.hpp>

#include <algorithm>
#include <cmath>
#include <string>
#include <unordered_map>
#include <vector>

#include <prefopt/core/config.hpp>
#include <prefopt/core/error.hpp>
#include <prefopt/core/random.hpp>

namespace prefopt {

namespace detail {

/// What a resample needs of a group of values that is drawn as a whole.
struct cluster_sum {
  double sum = 0.0;
  double count = 0.0;
};

/// The q-quantile of sorted values, linear between them (Hyndman and Fan's type 7, numpy's).
inline double sorted_quantile(std::span<const double> sorted, double q) {
  const double place = q * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (place - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

inline mean_estimate bootstrap_clusters(std::span<const cluster_sum> clusters,
                                        const bootstrap_options& options) {
  if (!(options.level > 0.0 && options.level < 1.0)) {
    throw usage_error("bootstrap: level is " + std::to_string(options.level) +
                      "; expected a number between 0 and 1");
  }
  if (options.resamples == 0) throw usage_error("bootstrap: resamples is 0; expected at least 1");
  if (clusters.size() > 0xFFFFFFFFU || options.resamples > 0xFFFFFFFFU) {
    throw usage_error("bootstrap: more than 2^32 - 1 values or resamples");
  }
  cluster_sum all;
  for (const cluster_sum& cluster : clusters) {
    all.sum += cluster.sum;
    all.count += cluster.count;
  }
  mean_estimate result;
  result.mean = all.sum / all.count;
  result.count = static_cast<std::size_t>(all.count);
  std::vector<double> means(options.resamples);
  for (std::size_t b = 0; b < means.size(); ++b) {
    random_stream random(options.seed, static_cast<std::uint32_t>(b));
    cluster_sum drawn;
    for (std::size_t i = 0; i < clusters.size(); ++i) {
      const auto& cluster = clusters[random.below(static_cast<std::uint32_t>(clusters.size()))];
      drawn.sum += cluster.sum;
      drawn.count += cluster.count;
    }
    means[b] = drawn.sum / drawn.count;
  }
  std::sort(means.begin(), means.end());
  result.low = sorted_quantile(means, (1.0 - options.level) / 2.0);
  result.high = sorted_quantile(means, (1.0 + options.level) / 2.0);
  return result;
}

inline void check_bootstrap_value(double value, std::size_t position) {
  if (!std::isfinite(value)) {
    throw usage_error("bootstrap: value " + std::to_string(position) + " is " +
                      std::to_string(value) + "; expected a finite number");
  }
}

}  // namespace detail

PREFOPT_INLINE mean_estimate bootstrap_mean(std::span<const double> values,
                                            const bootstrap_options& options) {
  if (values.empty()) throw usage_error("bootstrap: there are no values");
  std::vector<detail::cluster_sum> clusters;
  clusters.reserve(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    detail::check_bootstrap_value(values[i], i);
    clusters.push_back({values[i], 1.0});
  }
  return detail::bootstrap_clusters(clusters, options);
}

PREFOPT_INLINE mean_estimate bootstrap_mean(std::span<const double> values,
                                            std::span<const std::size_t> clusters,
                                            const bootstrap_options& options) {
  if (values.empty()) throw usage_error("bootstrap: there are no values");
  if (values.size() != clusters.size()) {
    throw usage_error("bootstrap: " + std::to_string(values.size()) + " values, but clusters of " +
                      std::to_string(clusters.size()));
  }
  std::unordered_map<std::size_t, std::size_t> place;  // in order of first appearance
  std::vector<detail::cluster_sum> sums;
  for (std::size_t i = 0; i < values.size(); ++i) {
    detail::check_bootstrap_value(values[i], i);
    const std::size_t at = place.try_emplace(clusters[i], sums.size()).first->second;
    if (at == sums.size()) sums.emplace_back();
    sums[at].sum += values[i];
    sums[at].count += 1.0;
  }
  return detail::bootstrap_clusters(sums, options);
}

namespace detail {

inline std::vector<double> paired_differences(std::span<const double> first,
                                              std::span<const double> second) {
  if (first.size() != second.size()) {
    throw usage_error("bootstrap: a paired difference of " + std::to_string(first.size()) +
                      " and " + std::to_string(second.size()) + " values");
  }
  std::vector<double> differences(first.size());
  for (std::size_t i = 0; i < first.size(); ++i) differences[i] = first[i] - second[i];
  return differences;
}

}  // namespace detail

PREFOPT_INLINE mean_estimate bootstrap_difference(std::span<const double> first,
                                                  std::span<const double> second,
                                                  const bootstrap_options& options) {
  return bootstrap_mean(detail::paired_differences(first, second), options);
}

PREFOPT_INLINE mean_estimate bootstrap_difference(std::span<const double> first,
                                                  std::span<const double> second,
                                                  std::span<const std::size_t> clusters,
                                                  const bootstrap_options& options) {
  return bootstrap_mean(detail::paired_differences(first, second), clusters, options);
}

}  // namespace prefopt
