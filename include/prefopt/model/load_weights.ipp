#pragma once

#include <prefopt/model/load_weights.hpp>

#include <cstddef>
#include <map>
#include <string>

#include <prefopt/core/config.hpp>
#include <prefopt/core/error.hpp>
#include <prefopt/model/tensor_match.hpp>
#include <prefopt/model/tensor_shape.hpp>

namespace prefopt {

PREFOPT_INLINE void load_weights(const model_checkpoint& checkpoint,
                                 std::span<const parameter> parameters) {
  std::map<std::string, const parameter*> by_name;
  for (const auto& each : parameters) by_name.emplace(each.name, &each);
  if (by_name.size() != parameters.size() || parameters.size() != checkpoint.matches.size()) {
    throw usage_error("the model has " + std::to_string(parameters.size()) +
                      " parameters, the checkpoint " + checkpoint.path.string() + " " +
                      std::to_string(checkpoint.matches.size()));
  }
  for (const auto& match : checkpoint.matches) {
    const auto found = by_name.find(match.parameter.name);
    std::size_t count = 0;
    if (found == by_name.end() || found->second->shape != match.parameter.shape ||
        !count_elements(match.parameter.shape, count) || found->second->value.size() != count) {
      throw usage_error("the model has no parameter '" + match.parameter.name + "' of shape " +
                        shape_text(match.parameter.shape) + ", which the checkpoint " +
                        checkpoint.path.string() + " has");
    }
  }
  for (const auto& match : checkpoint.matches) {
    read_parameter(*checkpoint.tensors, match, by_name.at(match.parameter.name)->value);
  }
}

}  // namespace prefopt
