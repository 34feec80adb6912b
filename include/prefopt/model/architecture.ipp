#pragma once

#include <prefopt/model/architecture.hpp>

#include <array>
#include <utility>

#include <prefopt/core/config.hpp>
#include <prefopt/model/config_reader.hpp>

namespace prefopt {

namespace detail {

inline constexpr std::array<std::pair<std::string_view, activation_kind>, 6> activation_names{{
    {"gelu_new", activation_kind::gelu_tanh},
    {"gelu", activation_kind::gelu},
    {"silu", activation_kind::silu},
    {"gelu_pytorch_tanh", activation_kind::gelu_tanh},
    {"gelu_fast", activation_kind::gelu_tanh},
    {"swish", activation_kind::silu},
}};

PREFOPT_INLINE activation_kind read_activation(config_reader& config, const std::string& key,
                                               const std::string& fallback) {
  const std::string name = config.text(key, fallback);
  for (const auto& [known, kind] : activation_names) {
    if (known == name) return kind;
  }
  config.fail(key, "is '" + name +
                       "', an activation that is not supported; expected gelu, "
                       "gelu_new, gelu_pytorch_tanh or silu");
}

PREFOPT_INLINE std::string_view activation_name(activation_kind kind) {
  for (const auto& [name, known] : activation_names) {
    if (known == kind) return name;
  }
  return "";
}

}  // namespace detail

}  // namespace prefopt
