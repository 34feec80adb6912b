#pragma once

#include <prefopt/model/checkpoint.hpp>

#include <algorithm>
#include <cstddef>
#include <system_error>
#include <utility>

#include <prefopt/core/config.hpp>
#include <prefopt/core/error.hpp>
#include <prefopt/model/architectures.hpp>
#include <prefopt/model/gguf.hpp>
#include <prefopt/model/gguf_tokenizer.hpp>
#include <prefopt/model/json_file.hpp>
#include <prefopt/model/safetensors.hpp>
#include <prefopt/model/stored_parts.hpp>

namespace prefopt {

PREFOPT_INLINE const std::vector<std::string_view>& companion_names() {
  static const std::vector<std::string_view> names{"tokenizer.json",
                                                   "tokenizer_config.json",
                                                   "special_tokens_map.json",
                                                   "added_tokens.json",
                                                   "vocab.json",
                                                   "merges.txt",
                                                   "chat_template.jinja",
                                                   "generation_config.json"};
  return names;
}

namespace detail {

/// The tokens of a field that is one token or a list of them.
inline std::vector<token_id> token_fields(const nlohmann::ordered_json& fields, const char* key) {
  std::vector<token_id> tokens;
  const auto found = fields.find(key);
  if (found == fields.end()) return tokens;
  const auto list = found->is_array() ? *found : nlohmann::ordered_json::array({*found});
  for (const auto& value : list) {
    if (value.is_number_unsigned() && value <= 0x7FFFFFFF) tokens.push_back(value.get<token_id>());
  }
  return tokens;
}

/// As transformers generates: the tokens of generation_config.json end a text, where it has any,
/// else those of config.json.
inline std::vector<token_id> read_end_tokens(const std::filesystem::path& folder,
                                             const nlohmann::ordered_json& config) {
  const auto path = folder / "generation_config.json";
  if (std::filesystem::exists(path)) {
    auto tokens = token_fields(read_checkpoint_json(path), "eos_token_id");
    if (!tokens.empty()) return tokens;
  }
  return token_fields(config, "eos_token_id");
}

inline std::optional<token_id> token_field(const nlohmann::ordered_json& fields, const char* key) {
  const auto tokens = token_fields(fields, key);
  if (tokens.empty()) return {};
  return tokens.front();
}

inline model_checkpoint open_folder(const std::filesystem::path& folder) {
  namespace fs = std::filesystem;
  const fs::path config_path = folder / "config.json";
  if (!fs::exists(config_path)) {
    throw checkpoint_error(folder.string(), "", "has no config.json, so it is no checkpoint");
  }
  model_checkpoint result;
  result.path = folder;
  result.fields = read_checkpoint_json(config_path);
  auto [model_type, config] = read_config(result.fields, config_path.string());
  result.model_type = model_type;
  result.config = config;
  result.begin = token_field(result.fields, "bos_token_id");
  result.ends = read_end_tokens(folder, result.fields);
  std::erase_if(result.ends, [&](token_id token) {  // no text has a token that the model lacks
    return static_cast<std::size_t>(token) >= result.config.vocabulary;
  });
  result.end = token_field(result.fields, "eos_token_id");
  if (!result.end && !result.ends.empty()) result.end = result.ends.front();
  result.padding = token_field(result.fields, "pad_token_id");
  for (const auto name : companion_names()) {
    if (fs::exists(folder / name)) result.companions.push_back(folder / name);
  }
  for (const char* name : {"model.safetensors", "model.safetensors.index.json"}) {
    if (!fs::exists(folder / name)) continue;
    result.tensors = std::make_shared<safetensors_file>(folder / name);
    break;
  }
  if (!result.tensors) {
    throw checkpoint_error(folder.string(), "",
                           "has neither model.safetensors nor model.safetensors.index.json; "
                           "weights in other formats (pytorch_model.bin) are not read");
  }
  return result;
}

inline model_checkpoint open_gguf(const std::filesystem::path& path) {
  auto file = std::make_shared<gguf_file>(path);
  model_checkpoint result;
  result.path = path;
  auto [model_type, config] = read_config(*file);
  result.model_type = model_type;
  result.config = config;
  result.tokenizer = read_gguf_tokenizer(*file, result.tokenizer_problem);
  const auto token = [&](const char* key) {
    return find_gguf_token(*file, key, result.config.vocabulary);
  };
  result.begin = token("tokenizer.ggml.bos_token_id");
  result.end = token("tokenizer.ggml.eos_token_id");
  for (const char* key : {"tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id"}) {
    const auto found = token(key);
    const auto known = std::find(result.ends.begin(), result.ends.end(), found);
    if (found && known == result.ends.end()) result.ends.push_back(*found);
  }
  result.padding = token("tokenizer.ggml.padding_token_id");
  if (file->metadata().contains("tokenizer.chat_template")) {
    result.chat_template = file->metadata().text("tokenizer.chat_template");
  }
  result.tensors = std::move(file);
  return result;
}

/// Fills `matches`. A head that is stored and equals the embedding is the embedding; one that
/// differs contradicts a config.json that says they are one.
inline void find_tensors(model_checkpoint& result, bool gguf) {
  const auto& kind = find_architecture(result.model_type);
  const auto names = result.tensors->names();
  const bool prefixed = !gguf && std::any_of(names.begin(), names.end(), [&](const auto& name) {
    return name.starts_with(kind.prefix);
  });
  const auto& rules = gguf ? kind.gguf_names : kind.names;
  const std::string_view prefix = prefixed ? kind.prefix : "";
  const std::string head =
      stored_parts(rules, {"head.weight", {1, 1}}, result.config, prefix).front().name;
  const bool says_tied = result.config.tied_head;
  result.config.tied_head = says_tied && !result.tensors->contains(head);
  result.matches =
      match_tensors(kind, rules, result.config, *result.tensors, prefix, result.path.string());
  if (result.config.tied_head || !(says_tied || gguf)) return;
  if (equal_tensors(*result.tensors, result.matches.front().parts.front().name, head)) {
    result.config.tied_head = true;
    std::erase_if(result.matches,
                  [](const auto& match) { return match.parameter.name == "head.weight"; });
  } else if (says_tied) {
    throw checkpoint_error(result.path.string(), "tensor '" + head + "'",
                           "differs from the embedding, but config.json says that they are tied");
  }
}

}  // namespace detail

PREFOPT_INLINE model_checkpoint open_checkpoint(const std::filesystem::path& path) {
  std::error_code problem;
  const bool folder = std::filesystem::is_directory(path, problem);
  if (!folder && path.extension() == ".safetensors") {
    throw checkpoint_error(path.string(), "",
                           "is one file of a checkpoint; give the folder that has config.json too");
  }
  model_checkpoint result = folder ? detail::open_folder(path) : detail::open_gguf(path);
  detail::find_tensors(result, !folder);
  return result;
}

}  // namespace prefopt
