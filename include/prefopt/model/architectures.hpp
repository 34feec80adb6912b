#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include <prefopt/model/architecture.hpp>
#include <prefopt/model/transformer_config.hpp>

namespace prefopt {

/// Every kind of checkpoint that is read and written.
const std::vector<architecture>& architectures();

/// The entry of this `model_type`; throws `checkpoint_error` naming `file` and those there are.
const architecture& find_architecture(std::string_view model_type,
                                      const std::string& file = "architecture");

/// What kind of model a checkpoint holds, and its shape.
struct model_description {
  std::string model_type;
  transformer_config config;
};

/// From a config.json. Throws `checkpoint_error` that names the field for whatever is wrong, not
/// supported, or unknown and so perhaps part of the mathematics.
model_description read_config(const nlohmann::ordered_json& fields, const std::string& file);

/// From a GGUF file's metadata and tensors; the same errors.
model_description read_config(const gguf_file& file);

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/model/architectures.ipp>
#endif
