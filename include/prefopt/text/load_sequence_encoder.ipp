#pragma once

#include <prefopt/text/load_sequence_encoder.hpp>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <prefopt/core/config.hpp>
#include <prefopt/core/error.hpp>
#include <prefopt/text/byte_level_bpe.hpp>
#include <prefopt/text/load_tokenizer.hpp>
#include <prefopt/text/sequence_template.hpp>
#include <prefopt/text/tokenizer_file.hpp>
#include <prefopt/text/tokenizer_json.hpp>
#include <prefopt/text/vocab_merges.hpp>
#include <prefopt/text/vocab_txt.hpp>
#include <prefopt/text/wordpiece.hpp>
#include <prefopt/text/wordpiece_json.hpp>

namespace prefopt {

PREFOPT_INLINE bpe_description read_roberta_files(const std::filesystem::path& vocabulary_file,
                                                  const std::filesystem::path& merges_file) {
  bpe_description description = read_vocab_merges(vocabulary_file, merges_file);
  for (const char* content : {"<s>", "<pad>", "</s>", "<unk>", "<mask>"}) {
    const auto id = detail::find_token(description, content);
    if (!id) {
      throw checkpoint_error(vocabulary_file.string(), "",
                             std::string("has no token ") + content + ", so it is not RoBERTa's");
    }
    std::erase_if(description.added, [&](const added_token& t) { return t.id == *id; });
    description.added.push_back({*id, content, true});
  }
  description.end = detail::find_token(description, "</s>");
  description.unknown = detail::find_token(description, "<unk>");
  return description;
}

namespace detail {

inline sequence_template template_of(const std::string& source,
                                     const std::vector<added_token>& added, const char* first,
                                     const char* last) {
  sequence_template around;
  for (const auto& [content, list] :
       {std::pair(first, &around.before), std::pair(last, &around.after)}) {
    for (const added_token& token : added) {
      if (token.content == content) list->push_back(token.id);
    }
    if (list->empty()) throw checkpoint_error(source, "", std::string("has no token ") + content);
  }
  return around;
}

/// tokenizer_config.json's field; null where file or field is absent.
inline nlohmann::json tokenizer_setting(const std::filesystem::path& folder, const char* key) {
  const auto file = folder / "tokenizer_config.json";
  if (!std::filesystem::exists(file)) return nullptr;
  const nlohmann::json config = read_tokenizer_json_file(file);
  const auto found = config.find(key);
  return found == config.end() ? nlohmann::json() : *found;
}

}  // namespace detail

PREFOPT_INLINE sequence_encoder load_sequence_encoder(const std::filesystem::path& folder,
                                                      std::size_t longest) {
  namespace fs = std::filesystem;
  const auto setting = [&](const char* key) { return detail::tokenizer_setting(folder, key); };
  if (const auto most = setting("model_max_length"); most.is_number_unsigned() && most > 0) {
    // Where nobody knows a limit, transformers writes 1e30, which is no unsigned number.
    longest = longest == 0 ? most.get<std::size_t>() : std::min(longest, most.get<std::size_t>());
  }
  truncation_side side = truncation_side::right;
  if (const auto name = setting("truncation_side"); name == "left") {
    side = truncation_side::left;
  } else if (!name.is_null() && name != "right") {
    throw checkpoint_error((folder / "tokenizer_config.json").string(), "truncation_side",
                           "expected left or right, found " + quote_json(name));
  }
  const auto make = [&](sequence_encoder::any_tokenizer tokenizer, sequence_template around) {
    return sequence_encoder(std::move(tokenizer), std::move(around), longest, side);
  };
  if (const auto file = folder / "tokenizer.json"; fs::exists(file)) {
    sequence_template around = read_sequence_template(file);
    if (detail::wordpiece_json_reader(file).is_wordpiece()) {
      return make(wordpiece(read_wordpiece_json(file)), std::move(around));
    }
    return make(byte_level_bpe(read_tokenizer_json(file)), std::move(around));
  }
  if (fs::exists(folder / "vocab.txt")) {
    wordpiece_description description = read_vocab_txt_folder(folder);
    sequence_template around =
        detail::template_of(description.source, description.added, "[CLS]", "[SEP]");
    return make(wordpiece(std::move(description)), std::move(around));
  }
  if (fs::exists(folder / "vocab.json") && fs::exists(folder / "merges.txt")) {
    bpe_description description = read_roberta_files(folder / "vocab.json", folder / "merges.txt");
    if (const auto prefix = setting("add_prefix_space"); prefix.is_boolean()) {
      description.add_prefix_space = prefix.get<bool>();
    }
    // {"content": "<mask>", "lstrip": true}, as transformers' older versions write it
    if (const auto mask = setting("mask_token"); mask.is_object()) {
      const auto content = mask.find("content");
      const auto takes = mask.find("lstrip");
      for (added_token& token : description.added) {
        token.takes_left = content != mask.end() && *content == token.content &&
                           takes != mask.end() && *takes == true;
      }
    }
    sequence_template around =
        detail::template_of(description.source, description.added, "<s>", "</s>");
    return make(byte_level_bpe(std::move(description)), std::move(around));
  }
  throw checkpoint_error(folder.string(), "",
                         "has no classifier's tokenizer: expected tokenizer.json, vocab.txt, or "
                         "vocab.json and merges.txt");
}

}  // namespace prefopt
