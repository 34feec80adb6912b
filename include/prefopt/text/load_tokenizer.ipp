#pragma once

#include <prefopt/text/load_tokenizer.hpp>

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include <prefopt/core/config.hpp>
#include <prefopt/core/error.hpp>
#include <prefopt/text/tokenizer_file.hpp>
#include <prefopt/text/tokenizer_json.hpp>
#include <prefopt/text/vocab_merges.hpp>

namespace prefopt {

namespace detail {

PREFOPT_INLINE std::optional<token_id> find_token(const bpe_description& description,
                                                  const std::string& content) {
  for (const auto& each : description.added) {
    if (each.content == content) return each.id;
  }
  const auto& all = description.vocabulary;
  const auto found = std::find(all.begin(), all.end(), content);
  if (found == all.end()) return std::nullopt;
  return static_cast<token_id>(found - all.begin());
}

/// A token that a configuration names: "text", or {"content": "text"}.
inline std::optional<std::string> token_content(const nlohmann::json& root, const char* key) {
  const auto found = root.find(key);
  if (found == root.end()) return std::nullopt;
  const auto& value =
      found->is_object() && found->contains("content") ? found->at("content") : *found;
  if (!value.is_string() || value == "") return std::nullopt;
  return value.get<std::string>();
}

/// Special tokens that a folder of vocab.json and merges.txt has in files of their own.
inline void add_special_tokens(const std::filesystem::path& folder, bpe_description& description) {
  const auto add = [&](const std::string& content, token_id id, bool special) {
    for (const auto& each : description.added) {
      if (each.content == content) return;
    }
    description.added.push_back({id, content, special});
  };
  const auto limit = description.vocabulary.size() + 1024;
  if (const auto file = folder / "added_tokens.json"; std::filesystem::exists(file)) {
    const auto root = read_tokenizer_json_file(file);
    for (const auto& [content, id] : root.items()) {
      add(content, token_id_from_json(id, limit, file.string(), quote_text(content)), false);
    }
  }
  for (const char* name : {"special_tokens_map.json", "tokenizer_config.json"}) {
    const auto file = folder / name;
    if (!std::filesystem::exists(file)) continue;
    const auto root = read_tokenizer_json_file(file);
    for (const char* key : {"bos_token", "eos_token", "unk_token", "sep_token", "pad_token",
                            "cls_token", "mask_token"}) {
      const auto content = token_content(root, key);
      if (!content) continue;
      if (const auto id = find_token(description, *content)) add(*content, *id, true);
      for (auto& each : description.added) each.special |= each.content == *content;
    }
  }
}

/// Which token ends a text, from the first file that says so.
inline std::optional<token_id> find_end_token(const std::filesystem::path& folder,
                                              const bpe_description& description) {
  for (const char* name : {"tokenizer_config.json", "special_tokens_map.json"}) {
    const auto file = folder / name;
    if (!std::filesystem::exists(file)) continue;
    const auto content = token_content(read_tokenizer_json_file(file), "eos_token");
    if (!content) continue;
    if (const auto id = find_token(description, *content)) return id;
    throw checkpoint_error(file.string(), "eos_token",
                           quote_text(*content) + " is not in the vocabulary");
  }
  for (const char* name : {"generation_config.json", "config.json"}) {
    const auto file = folder / name;
    if (!std::filesystem::exists(file)) continue;
    const auto root = read_tokenizer_json_file(file);
    auto found = root.find("eos_token_id");
    if (found == root.end() || found->is_null()) continue;
    // A list means that each of them ends a text; the first is the one to write.
    const auto& value = found->is_array() && !found->empty() ? found->front() : *found;
    const auto limit = description.vocabulary.size() + description.added.size();
    return token_id_from_json(value, limit, file.string(), "eos_token_id");
  }
  return description.end;
}

}  // namespace detail

PREFOPT_INLINE bpe_description read_tokenizer_folder(const std::filesystem::path& folder) {
  namespace fs = std::filesystem;
  bpe_description description;
  bool found = false;
  if (fs::exists(folder / "tokenizer.json")) {
    description = read_tokenizer_json(folder / "tokenizer.json");
    description.end = detail::find_token(description, "<|endoftext|>");
    found = true;
  }
  for (const auto& [vocabulary, merges] :
       {std::pair("vocab.json", "merges.txt"), std::pair("encoder.json", "vocab.bpe")}) {
    if (found || !fs::exists(folder / vocabulary) || !fs::exists(folder / merges)) continue;
    description = read_vocab_merges(folder / vocabulary, folder / merges);
    detail::add_special_tokens(folder, description);
    found = true;
  }
  if (!found) {
    throw checkpoint_error(folder.string(), "",
                           "has no tokenizer: expected tokenizer.json, vocab.json and merges.txt, "
                           "or encoder.json and vocab.bpe");
  }
  description.end = detail::find_end_token(folder, description);
  return description;
}

PREFOPT_INLINE byte_level_bpe load_tokenizer(const std::filesystem::path& folder_or_file) {
  if (std::filesystem::is_directory(folder_or_file)) {
    return byte_level_bpe(read_tokenizer_folder(folder_or_file));
  }
  bpe_description description = read_tokenizer_json(folder_or_file);
  description.end = detail::find_end_token(folder_or_file.parent_path(), description);
  return byte_level_bpe(std::move(description));
}

}  // namespace prefopt
