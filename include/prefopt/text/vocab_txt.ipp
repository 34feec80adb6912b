#pragma once

#include <prefopt/text/vocab_txt.hpp>

#include <string>
#include <string_view>
#include <unordered_set>

#include <nlohmann/json.hpp>

#include <prefopt/core/config.hpp>
#include <prefopt/core/error.hpp>
#include <prefopt/text/tokenizer_file.hpp>

namespace prefopt {

PREFOPT_INLINE wordpiece_description read_vocab_txt(const std::filesystem::path& path) {
  wordpiece_description description;
  description.source = path.string();
  const std::string bytes = read_tokenizer_file(path);
  std::string_view rest = bytes;
  std::unordered_set<std::string_view> seen;
  bool has_unknown = false;
  while (!rest.empty()) {
    const auto end = rest.find('\n');
    std::string_view token = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    if (token.ends_with('\r')) token.remove_suffix(1);
    const auto id = static_cast<token_id>(description.vocabulary.size());
    const std::string line = "line " + std::to_string(id + 1);
    if (token.empty()) throw checkpoint_error(path.string(), line, "is empty; expected a token");
    if (!seen.insert(token).second) {
      throw checkpoint_error(path.string(), line, quote_text(token) + " stands there twice");
    }
    for (const std::string_view special : {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"}) {
      if (token == special) description.added.push_back({id, std::string(token), true});
    }
    if (token == "[UNK]") {
      description.unknown = id;
      has_unknown = true;
    }
    description.vocabulary.emplace_back(token);
  }
  if (!has_unknown) throw checkpoint_error(path.string(), "", "has no line [UNK]");
  return description;
}

PREFOPT_INLINE wordpiece_description read_vocab_txt_folder(const std::filesystem::path& folder) {
  wordpiece_description description = read_vocab_txt(folder / "vocab.txt");
  const auto file = folder / "tokenizer_config.json";
  if (!std::filesystem::exists(file)) return description;
  const nlohmann::json config = read_tokenizer_json_file(file);
  const auto flag = [&](const char* key, bool otherwise) {
    const auto found = config.find(key);
    if (found == config.end() || found->is_null()) return otherwise;
    if (!found->is_boolean()) {
      throw checkpoint_error(file.string(), key, "expected true or false");
    }
    return found->get<bool>();
  };
  bert_normalizer& n = description.normalizer;
  n.lower_case = flag("do_lower_case", true);
  n.strip_accents = flag("strip_accents", n.lower_case);
  n.space_ideographs = flag("tokenize_chinese_chars", true);
  return description;
}

}  // namespace prefopt
