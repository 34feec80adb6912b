#pragma once

#include <span>
#include <vector>

#include <prefopt/model/language_model.hpp>
#include <prefopt/model/transformer_layout.hpp>

namespace prefopt {

/// The parameters that a layout lists, in its order. They may come in any; throws `usage_error`,
/// naming the first that is not there in its shape, where they are not those of the layout.
std::vector<const parameter*> ordered_parameters(std::span<const parameter_layout> layout,
                                                 std::span<const parameter> parameters);

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/model/ordered_parameters.ipp>
#endif
