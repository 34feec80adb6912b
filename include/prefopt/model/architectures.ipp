#pragma once

#include <prefopt/model/architectures.hpp>

#include <utility>
#include <variant>

#include <nlohmann/json.hpp>

#include <prefopt/core/config.hpp>
#include <prefopt/core/error.hpp>
#include <prefopt/model/architecture_gpt2.hpp>
#include <prefopt/model/architecture_gpt_neo.hpp>
#include <prefopt/model/architecture_gpt_neox.hpp>
#include <prefopt/model/architecture_gptj.hpp>
#include <prefopt/model/architecture_llama.hpp>
#include <prefopt/model/architecture_mistral.hpp>
#include <prefopt/model/architecture_qwen.hpp>
#include <prefopt/model/architecture_smollm3.hpp>
#include <prefopt/model/config_reader.hpp>
#include <prefopt/model/gguf.hpp>

namespace prefopt {

PREFOPT_INLINE const std::vector<architecture>& architectures() {
  static const std::vector<architecture> table{
      gpt2_architecture(),     gpt_neo_architecture(), gptj_architecture(),
      gpt_neox_architecture(), llama_architecture(),   mistral_architecture(),
      qwen2_architecture(),    qwen3_architecture(),   smollm3_architecture()};
  return table;
}

PREFOPT_INLINE const architecture& find_architecture(std::string_view model_type,
                                                     const std::string& file) {
  std::string known;
  for (const auto& entry : architectures()) {
    if (entry.model_type == model_type) return entry;
    known += (known.empty() ? "" : ", ") + std::string(entry.model_type);
  }
  throw checkpoint_error(file, "",
                         "holds a model of type '" + std::string(model_type.substr(0, 100)) +
                             "', which is not supported; expected one of " + known);
}

PREFOPT_INLINE model_description read_config(const nlohmann::ordered_json& fields,
                                             const std::string& file) {
  config_reader reader(fields, file);
  const std::string model_type = reader.text("model_type");
  const auto& kind = find_architecture(model_type, file);
  declare_common_fields(reader);
  const transformer_config config = kind.read(reader);
  reader.finish();
  return {model_type, config};
}

PREFOPT_INLINE model_description read_config(const gguf_file& file) {
  const auto& metadata = file.metadata();
  const std::string name = metadata.text("general.architecture");
  std::string known;
  const architecture* kind = nullptr;
  for (const auto& entry : architectures()) {
    if (entry.read_gguf == nullptr) continue;
    if (entry.in_gguf() == name) kind = &entry;
    known += (known.empty() ? "" : ", ") + std::string(entry.in_gguf());
  }
  if (kind == nullptr) {
    throw checkpoint_error(file.path().string(), "key 'general.architecture'",
                           "is '" + name.substr(0, 100) +
                               "', which is not read from GGUF files; expected one of " + known);
  }
  const std::string prefix = name + ".";
  nlohmann::ordered_json fields = nlohmann::ordered_json::object();
  for (const auto& key : metadata.keys()) {
    if (!key.starts_with(prefix)) continue;
    std::visit([&](const auto& value) { fields[key.substr(prefix.size())] = value; },
               metadata.at(key));
  }
  config_reader reader(std::move(fields), file.path().string(), prefix);
  transformer_config config = kind->read_gguf(reader, file);
  reader.finish();
  config.tied_head = !file.contains("output.weight");
  return {std::string(kind->model_type), config};
}

}  // namespace prefopt
