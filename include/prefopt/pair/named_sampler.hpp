#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <prefopt/core/random.hpp>
#include <prefopt/pair/pair_sampler.hpp>

namespace prefopt {

/// Any pair sampler, chosen at run time.
using any_pair_sampler = std::function<sampled_pairs(std::span<const double>, random_stream&)>;
static_assert(pair_sampler<any_pair_sampler>);

/// The names that `named_sampler` knows.
std::vector<std::string> sampler_names();

/// The sampler of that name. `count` is the random pairs of a prompt, or the responses on each side
/// of best-vs-worst; the others have no use for it. Throws `usage_error` for a name that is not
/// known.
any_pair_sampler named_sampler(std::string_view name, std::size_t count);

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/pair/named_sampler.ipp>
#endif
