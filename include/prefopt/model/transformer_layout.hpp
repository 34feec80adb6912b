#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <prefopt/model/transformer_config.hpp>

namespace prefopt {

/// Name and shape of one array of a transformer's parameters.
struct parameter_layout {
  std::string name;
  std::vector<std::size_t> shape;  ///< row-major; a matrix is (outputs, inputs)
  bool decays = true;              ///< weight decay applies: matrices yes, biases and norms no
};

/// Every parameter that a transformer of this description has, in the order of
/// `transformer::parameters()`. The names are prefopt's own; the architecture table translates them
/// to and from those of checkpoint files (GPT-2 stores matrices transposed, Llama stores query, key
/// and value apart).
std::vector<parameter_layout> transformer_layout(const transformer_config& config);

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/model/transformer_layout.ipp>
#endif
