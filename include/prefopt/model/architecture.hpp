#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include <prefopt/model/stored_parts.hpp>
#include <prefopt/model/transformer_config.hpp>

namespace prefopt {

class config_reader;
class gguf_file;

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

activation_kind read_activation(config_reader& config, const std::string& key,
                                const std::string& fallback);

std::string_view activation_name(activation_kind kind);

}  // namespace detail

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/model/architecture.ipp>
#endif
