#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <prefopt/model/encoder_config.hpp>
#include <prefopt/model/transformer_layout.hpp>

namespace prefopt {

/// Every parameter of an encoder with its head, in the order of
/// `encoder_classifier::parameters()`, under prefopt's own names. A matrix is (outputs, inputs).
std::vector<parameter_layout> encoder_layout(const encoder_config& config);

/// Whether a parameter belongs to the head, which a checkpoint of an encoder alone lacks.
inline bool is_head_parameter(const std::string& name) {
  return name.starts_with("head.");
}

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/model/encoder_layout.ipp>
#endif
