#pragma once

#include <prefopt/model/lora_layout.hpp>

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include <prefopt/core/config.hpp>
#include <prefopt/core/error.hpp>
#include <prefopt/model/architecture.hpp>
#include <prefopt/model/stored_parts.hpp>
#include <prefopt/model/tensor_shape.hpp>
#include <prefopt/model/transformer_layout.hpp>

namespace prefopt {

PREFOPT_INLINE std::vector<lora_module> linear_modules(const architecture& kind,
                                                       const transformer_config& config) {
  std::vector<lora_module> modules;
  for (const auto& entry : transformer_layout(config)) {
    if (entry.shape.size() != 2 || !entry.name.starts_with("layers.")) continue;
    std::size_t row = 0;
    for (const auto& part : stored_parts(kind.names, entry, config, kind.prefix)) {
      lora_module added;  // nvcc takes lines that begin with `module` for C++20's
      added.name = part.name.substr(0, part.name.rfind('.'));  // without .weight
      added.parameter = entry.name;
      added.first_row = row;
      added.outputs = entry.shape[0];
      added.inputs = entry.shape[1];
      added.rows = part.numbers / added.inputs;
      added.transposed = part.transposed;
      added.by_head = part.by_head;
      row += added.rows;
      modules.push_back(std::move(added));
    }
  }
  return modules;
}

namespace detail {

PREFOPT_INLINE std::string last_name(const std::string& module) {
  return module.substr(module.rfind('.') + 1);
}

/// As PEFT has it: the whole name or its end after a dot.
inline bool is_target(const std::string& module, const std::string& target) {
  return target == "all-linear" || module == target || module.ends_with("." + target);
}

}  // namespace detail

PREFOPT_INLINE std::vector<lora_module> lora_modules(const architecture& kind,
                                                     const transformer_config& config,
                                                     const lora_options& options) {
  if (options.rank == 0 || options.rank > 65536) {
    throw usage_error("lora: rank is " + std::to_string(options.rank) + "; expected 1 to 65536");
  }
  if (!std::isfinite(options.alpha) || options.alpha <= 0.0) {
    throw usage_error("lora: alpha is " + std::to_string(options.alpha) +
                      "; expected a number over 0");
  }
  if (options.targets.empty()) throw usage_error("lora: there are no target modules");
  const auto all = linear_modules(kind, config);
  for (const auto& target : options.targets) {
    const bool known = std::any_of(all.begin(), all.end(), [&](const auto& module) {
      return detail::is_target(module.name, target);
    });
    if (known) continue;
    std::set<std::string> names{"all-linear"};
    for (const auto& module : all) names.insert(detail::last_name(module.name));
    throw usage_error("lora: target '" + target.substr(0, 100) + "' is no matrix of a layer of '" +
                      std::string(kind.model_type) + "' models; expected one of " +
                      list_text({names.begin(), names.end()}, 20));
  }
  std::vector<lora_module> modules;
  for (const auto& module : all) {
    const bool named =
        std::any_of(options.targets.begin(), options.targets.end(),
                    [&](const auto& target) { return detail::is_target(module.name, target); });
    if (named) modules.push_back(module);
  }
  return modules;
}

}  // namespace prefopt
