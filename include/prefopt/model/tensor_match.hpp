#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <prefopt/model/stored_parts.hpp>
#include <prefopt/model/tensor_source.hpp>
#include <prefopt/model/transformer_config.hpp>
#include <prefopt/model/transformer_layout.hpp>

namespace prefopt {

struct architecture;

/// A parameter and the arrays of a file that hold it.
struct tensor_match {
  parameter_layout parameter;
  std::vector<stored_part> parts;
};

namespace detail {

bool equal_tensors(const tensor_source& source, const std::string& a, const std::string& b);

}  // namespace detail

/// Finds the arrays of every parameter of `config` in `source`, by `rules`. Throws one
/// `checkpoint_error` that lists what is missing, one for what has a wrong shape, one for what is
/// left over and not among the architecture's ignored buffers.
std::vector<tensor_match> match_tensors(const architecture& kind,
                                        const std::vector<name_rule>& rules,
                                        const transformer_config& config,
                                        const tensor_source& source, std::string_view prefix,
                                        const std::string& file);

/// Reads a parameter's values, whichever way the file stores them.
void read_parameter(const tensor_source& source, const tensor_match& match,
                    std::span<float> values);

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/model/tensor_match.ipp>
#endif
