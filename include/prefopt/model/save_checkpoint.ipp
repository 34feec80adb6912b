#pragma once

#include <prefopt/model/save_checkpoint.hpp>

#include <algorithm>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include <nlohmann/json.hpp>

#include <prefopt/core/atomic_file.hpp>
#include <prefopt/core/atomic_folder.hpp>
#include <prefopt/core/config.hpp>
#include <prefopt/core/error.hpp>
#include <prefopt/data/token.hpp>
#include <prefopt/model/architectures.hpp>
#include <prefopt/model/ordered_parameters.hpp>
#include <prefopt/model/save_tokenizer.hpp>
#include <prefopt/model/stored_parts.hpp>

namespace prefopt {

namespace detail {

PREFOPT_INLINE void append_pending(const architecture& kind, const transformer_config& config,
                                   const parameter_layout& layout, std::span<const float> values,
                                   std::vector<pending_tensor>& out) {
  for (const auto& part : stored_parts(kind.names, layout, config, kind.prefix)) {
    const auto source = values.first(part.numbers);
    values = values.subspan(part.numbers);
    const auto fill = [source, part](std::span<float> stored) { to_stored(part, source, stored); };
    out.push_back({part.name, part.shape, fill});
  }
}

inline void put_token(nlohmann::ordered_json& fields, const char* key,
                      const std::optional<token_id>& token) {
  fields[key] = token ? nlohmann::ordered_json(*token) : nlohmann::ordered_json();
}

inline void put_tokens(nlohmann::ordered_json& fields, const checkpoint_description& description) {
  put_token(fields, "bos_token_id", description.begin);
  const bool from_tokenizer = !description.end && description.tokenizer;
  put_token(fields, "eos_token_id", from_tokenizer ? description.tokenizer->end : description.end);
  if (description.ends.size() > 1) fields["eos_token_id"] = description.ends;
  put_token(fields, "pad_token_id", description.padding);
}

PREFOPT_INLINE void put_format(nlohmann::ordered_json& fields, float_format format) {
  for (const char* key : {"dtype", "torch_dtype"}) {
    if (fields.contains(key)) fields[key] = name_of(format);
  }
  if (!fields.contains("dtype")) fields["torch_dtype"] = name_of(format);
}

/// Whether a checkpoint folder has files of that name: ours, or another version's of transformers.
inline bool is_checkpoint_file(const std::string& name) {
  static constexpr std::string_view names[] = {"config.json",        "generation_config.json",
                                               "tokenizer.json",     "tokenizer_config.json",
                                               "tokenizer.model",    "special_tokens_map.json",
                                               "added_tokens.json",  "vocab.json",
                                               "vocab.txt",          "merges.txt",
                                               "chat_template.json", "chat_template.jinja",
                                               "adapter_config.json"};
  if (std::find(std::begin(names), std::end(names), name) != std::end(names)) return true;
  const bool weights = name.starts_with("model") || name.starts_with("adapter_model");
  return weights && (name.ends_with(".safetensors") || name.ends_with(".safetensors.index.json"));
}

PREFOPT_INLINE void require_replaceable(const std::filesystem::path& folder) {
  namespace fs = std::filesystem;
  if (!fs::is_directory(folder)) return;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (entry.is_regular_file() && is_checkpoint_file(name)) continue;
    throw usage_error(folder.string() + " holds " + name +
                      ", which is no file of a checkpoint, so the folder is not replaced; give "
                      "another path");
  }
}

/// The source's config.json with the new number format, or one made from the description.
inline nlohmann::ordered_json config_to_write(const checkpoint_description& description,
                                              const architecture& kind, float_format format) {
  nlohmann::ordered_json fields = description.fields;
  if (fields.is_null()) {
    fields["model_type"] = kind.model_type;
    fields.update(kind.write(description.config));
    put_tokens(fields, description);
  } else if (read_config(fields, "config.json").config != description.config) {
    throw usage_error("the description's config is not the one of its config.json");
  }
  fields["architectures"] = {kind.class_name};
  put_format(fields, format);
  return fields;
}

PREFOPT_INLINE void copy_companion(const std::filesystem::path& from,
                                   const std::filesystem::path& to) {
  std::error_code problem;
  std::filesystem::copy_file(from, to, problem);
  if (problem) throw data_error(from.string(), 0, "", "cannot be copied: " + problem.message());
}

}  // namespace detail

PREFOPT_INLINE void write_checkpoint_files(const std::filesystem::path& folder,
                                           const checkpoint_description& description,
                                           std::span<const parameter> parameters,
                                           const save_options& options) {
  const auto& kind = find_architecture(description.model_type);
  const auto layout = transformer_layout(description.config);
  const auto ordered = ordered_parameters(layout, parameters);
  std::vector<pending_tensor> tensors;
  for (std::size_t i = 0; i < layout.size(); ++i) {
    detail::append_pending(kind, description.config, layout[i], ordered[i]->value, tensors);
  }
  write_sharded_safetensors(folder, tensors, options.format, options.max_shard_bytes);
  write_file_atomically(folder / "config.json",
                        detail::config_to_write(description, kind, options.format).dump(2) + "\n");

  for (const auto& file : description.companions) {
    detail::copy_companion(file, folder / file.filename());
  }
  if (!std::filesystem::exists(folder / "generation_config.json")) {
    nlohmann::ordered_json generation{{"_from_model_config", true}};
    detail::put_tokens(generation, description);
    write_file_atomically(folder / "generation_config.json", generation.dump(2) + "\n");
  }
  if (description.tokenizer) save_tokenizer(folder, description);
}

PREFOPT_INLINE void save_checkpoint(const std::filesystem::path& folder,
                                    const checkpoint_description& description,
                                    std::span<const parameter> parameters,
                                    const save_options& options) {
  detail::require_replaceable(folder);
  atomic_folder target(folder);
  write_checkpoint_files(target.path(), description, parameters, options);
  target.commit();
}

}  // namespace prefopt
