#pragma once

#include <vector>

#include <prefopt/model/transformer_config.hpp>

namespace prefopt {

/// By how many radians a position turns each pair of a head's coordinates: theta^(-2i/d) for pair i
/// of d/2, d = `config.turned_width()` (Su et al. 2021), and then what `config.scaling` makes of
/// it. Empty where positions do not rotate.
std::vector<float> rotary_frequencies(const transformer_config& config);

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/model/rotary_frequencies.ipp>
#endif
