#pragma once

#include <prefopt/pair/named_sampler.hpp>

#include <prefopt/core/config.hpp>
#include <prefopt/core/error.hpp>
#include <prefopt/pair/all_pairs.hpp>
#include <prefopt/pair/best_vs_worst.hpp>
#include <prefopt/pair/first_two.hpp>
#include <prefopt/pair/random_pairs.hpp>

namespace prefopt {

PREFOPT_INLINE std::vector<std::string> sampler_names() {
  return {"all", "best-vs-worst", "random", "first-two"};
}

PREFOPT_INLINE any_pair_sampler named_sampler(std::string_view name, std::size_t count) {
  if (name == "all") return all_pairs{};
  if (name == "best-vs-worst") return best_vs_worst{count};
  if (name == "random") return random_pairs{count};
  if (name == "first-two") return first_two{};
  std::string known;
  for (const std::string& each : sampler_names()) known += (known.empty() ? "" : ", ") + each;
  throw usage_error("there is no pair sampler '" + std::string(name) + "'; known: " + known);
}

}  // namespace prefopt
