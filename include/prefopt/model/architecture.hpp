#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <prefopt/model/config_reader.hpp>
#include <prefopt/model/gguf.hpp>
#include <prefopt/model/stored_parts.hpp>
#include <prefopt/model/transformer_config.hpp>

namespace prefopt {

/// One kind of checkpoint: how its config and its names map to ours. Adding an architecture that
/// `transformer_config` can describe is adding one of these to the table in architectures.hpp.
struct architecture {
  std::string_view model_type;  ///< in config.json
  std::string_view class_name;  ///< transformers' class of the language model
  std::string_view prefix;      ///< of names in files of the whole model; absent in the bare one's
  std::vector<name_rule> names;
  std::string_view gguf_name{};             ///< `general.architecture` where it is not model_type
  std::vector<name_rule> gguf_names{};      ///< empty where llama.cpp computes no such model
  std::vector<std::string_view> ignored{};  ///< endings of names of buffers that hold no weights
  transformer_config (*read)(config_reader& config) = nullptr;
  nlohmann::ordered_json (*write)(const transformer_config& config) = nullptr;
  /// From a GGUF file's keys without their prefix; what the keys leave open is in the tensors.
  transformer_config (*read_gguf)(config_reader& keys, const gguf_file& file) = nullptr;

  [[nodiscard]] std::string_view in_gguf() const {
    return gguf_name.empty() ? model_type : gguf_name;
  }
};

namespace detail {

using activation_kind = transformer_config::activation_kind;

inline constexpr std::array<std::pair<std::string_view, activation_kind>, 6> activation_names{{
    {"gelu_new", activation_kind::gelu_tanh},
    {"gelu", activation_kind::gelu},
    {"silu", activation_kind::silu},
    {"gelu_pytorch_tanh", activation_kind::gelu_tanh},
    {"gelu_fast", activation_kind::gelu_tanh},
    {"swish", activation_kind::silu},
}};

inline activation_kind read_activation(config_reader& config, const std::string& key,
                                       const std::string& fallback) {
  const std::string name = config.text(key, fallback);
  for (const auto& [known, kind] : activation_names) {
    if (known == name) return kind;
  }
  config.fail(key, "is '" + name +
                       "', an activation that is not supported; expected gelu, "
                       "gelu_new, gelu_pytorch_tanh or silu");
}

inline std::string_view activation_name(activation_kind kind) {
  for (const auto& [name, known] : activation_names) {
    if (known == kind) return name;
  }
  return "";
}

}  // namespace detail

}  // namespace prefopt
