#pragma once

#include <prefopt/model/ordered_parameters.hpp>

#include <cstddef>
#include <map>
#include <string>
#include <string_view>

#include <prefopt/core/config.hpp>
#include <prefopt/core/error.hpp>
#include <prefopt/model/tensor_shape.hpp>

namespace prefopt {

PREFOPT_INLINE std::vector<const parameter*> ordered_parameters(
    std::span<const parameter_layout> layout, std::span<const parameter> parameters) {
  std::map<std::string_view, const parameter*> by_name;
  for (const auto& each : parameters) by_name.emplace(each.name, &each);
  std::vector<const parameter*> ordered;
  for (const auto& entry : layout) {
    const auto found = by_name.find(entry.name);
    std::size_t count = 0;
    if (found == by_name.end() || found->second->shape != entry.shape ||
        !count_elements(entry.shape, count) || found->second->value.size() != count ||
        parameters.size() != layout.size()) {
      throw usage_error("these are not the parameters of the configuration: '" + entry.name + "' " +
                        shape_text(entry.shape) + " is expected among " +
                        std::to_string(layout.size()));
    }
    ordered.push_back(found->second);
  }
  return ordered;
}

}  // namespace prefopt
