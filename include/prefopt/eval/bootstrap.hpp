#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace prefopt {

/// A mean and its bootstrap interval. With one value (or one cluster) the interval is the mean
/// itself: nothing is known of the spread.
struct mean_estimate {
  double mean = 0.0;
  double low = 0.0;
  double high = 0.0;
  std::size_t count = 0;  ///< how many values
};

struct bootstrap_options {
  double level = 0.9;            ///< share of intervals that should hold the true mean; in (0, 1)
  std::size_t resamples = 2000;  ///< at least 1
  std::uint64_t seed = 1;        ///< the same seed gives the same interval on every machine
};

/// The mean of independent values with its percentile-bootstrap interval (Efron 1979): `resamples`
/// times as many values are drawn with replacement, and the interval holds the middle `level` of
/// their means. Throws `usage_error` where there is no value, or one that is not finite.
mean_estimate bootstrap_mean(std::span<const double> values, const bootstrap_options& options = {});

/// The mean of all values, where values of the same cluster belong together (responses to the same
/// prompt, say): clusters are drawn as a whole, so that the interval does not take M responses to a
/// prompt for M independent ones. `clusters[i]` is any number that names the cluster of value i.
mean_estimate bootstrap_mean(std::span<const double> values, std::span<const std::size_t> clusters,
                             const bootstrap_options& options = {});

/// The mean of first[i] - second[i], where both stand for the same prompt or seed: what the two
/// have in common drops out, so the interval is narrower than those of the two means.
mean_estimate bootstrap_difference(std::span<const double> first, std::span<const double> second,
                                   const bootstrap_options& options = {});

/// The same, clustered.
mean_estimate bootstrap_difference(std::span<const double> first, std::span<const double> second,
                                   std::span<const std::size_t> clusters,
                                   const bootstrap_options& options = {});

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/eval/bootstrap.ipp>
#endif
