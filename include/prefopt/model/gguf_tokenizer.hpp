#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <prefopt/core/error.hpp>
#include <prefopt/data/token.hpp>
#include <prefopt/model/gguf.hpp>
#include <prefopt/text/bpe_description.hpp>

namespace prefopt {

/// A token's number in a GGUF file's metadata (`tokenizer.ggml.eos_token_id`, ...), if it has one.
inline std::optional<token_id> find_gguf_token(const gguf_file& file, std::string_view key,
                                               std::size_t vocabulary) {
  const auto number = file.metadata().find_whole(key);
  if (!number) return {};
  if (*number >= vocabulary) {
    throw checkpoint_error(file.path().string(), "key '" + std::string(key) + "'",
                           "is " + std::to_string(*number) + ", but the vocabulary has " +
                               std::to_string(vocabulary) + " tokens");
  }
  return static_cast<token_id>(*number);
}

/// The byte-level BPE tokenizer in a GGUF file's metadata. Nothing, with the reason in `problem`,
/// where the file has none or one of another kind (SentencePiece, another way to cut words): its
/// weights are still good. Damage is a `checkpoint_error`.
inline std::optional<bpe_description> read_gguf_tokenizer(const gguf_file& file,
                                                          std::string& problem) {
  const auto& metadata = file.metadata();
  const auto text_or_nothing = [&](const char* key) {
    return metadata.contains(key) ? metadata.text(key) : std::string();
  };
  const std::string model = text_or_nothing("tokenizer.ggml.model");
  const std::string cut = text_or_nothing("tokenizer.ggml.pre");
  bpe_description description;
  if (model != "gpt2") {
    problem = "its tokenizer is of kind '" + model + "'; expected 'gpt2', byte-level BPE";
    return {};
  }
  if (cut == "gpt-2") {
    description.words = bpe_description::pre_tokenizer::gpt2;
  } else if (cut == "smollm") {
    description.words = bpe_description::pre_tokenizer::digits_gpt2;
  } else {
    problem = "its tokenizer cuts words as '" + cut + "'; expected 'gpt-2' or 'smollm'";
    return {};
  }
  const auto fail = [&](const char* key, const std::string& what) {
    throw checkpoint_error(file.path().string(), std::string("key '") + key + "'", what);
  };
  description.vocabulary = metadata.texts("tokenizer.ggml.tokens");
  const std::size_t count = description.vocabulary.size();
  if (count == 0 || count > 0x7FFFFFFF) fail("tokenizer.ggml.tokens", "has no usable length");
  for (const auto& merge : metadata.texts("tokenizer.ggml.merges")) {
    const std::size_t space = merge.find(' ');
    if (space == 0 || space == std::string::npos || space + 1 == merge.size() ||
        merge.find(' ', space + 1) != std::string::npos) {
      fail("tokenizer.ggml.merges", "item " + std::to_string(description.merges.size()) +
                                        " is not two tokens: '" + merge.substr(0, 100) + "'");
    }
    description.merges.emplace_back(merge.substr(0, space), merge.substr(space + 1));
  }
  if (metadata.contains("tokenizer.ggml.token_type")) {
    constexpr std::int64_t control = 3;
    constexpr std::int64_t user_defined = 4;
    constexpr std::int64_t unused = 5;  // fills up the vocabulary to the embedding's rows
    const auto& types = metadata.integers("tokenizer.ggml.token_type");
    if (types.size() != count) {
      fail("tokenizer.ggml.token_type", "has " + std::to_string(types.size()) + " items for " +
                                            std::to_string(count) + " tokens");
    }
    for (std::size_t i = 0; i < count; ++i) {
      if (types[i] == unused) description.vocabulary[i].clear();
      if (types[i] != control && types[i] != user_defined) continue;
      description.added.push_back(
          {static_cast<token_id>(i), description.vocabulary[i], types[i] == control});
    }
  }
  while (!description.vocabulary.empty() && description.vocabulary.back().empty()) {
    description.vocabulary.pop_back();
  }
  description.end = find_gguf_token(file, "tokenizer.ggml.eos_token_id", count);
  description.source = file.path().string();
  return description;
}

}  // namespace prefopt
