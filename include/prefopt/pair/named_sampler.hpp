#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <prefopt/core/error.hpp>
#include <prefopt/core/random.hpp>
#include <prefopt/pair/all_pairs.hpp>
#include <prefopt/pair/best_vs_worst.hpp>
#include <prefopt/pair/first_two.hpp>
#include <prefopt/pair/pair_sampler.hpp>
#include <prefopt/pair/random_pairs.hpp>

namespace prefopt {

/// Any pair sampler, chosen at run time.
using any_pair_sampler = std::function<sampled_pairs(std::span<const double>, random_stream&)>;
static_assert(pair_sampler<any_pair_sampler>);

/// The names that `named_sampler` knows.
inline std::vector<std::string> sampler_names() {
  return {"all", "best-vs-worst", "random", "first-two"};
}

/// The sampler of that name. `count` is the random pairs of a prompt, or the responses on each side
/// of best-vs-worst; the others have no use for it. Throws `usage_error` for a name that is not
/// known.
inline any_pair_sampler named_sampler(std::string_view name, std::size_t count) {
  if (name == "all") return all_pairs{};
  if (name == "best-vs-worst") return best_vs_worst{count};
  if (name == "random") return random_pairs{count};
  if (name == "first-two") return first_two{};
  std::string known;
  for (const std::string& each : sampler_names()) known += (known.empty() ? "" : ", ") + each;
  throw usage_error("there is no pair sampler '" + std::string(name) + "'; known: " + known);
}

}  // namespace prefopt
