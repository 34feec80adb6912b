#pragma once

#include <prefopt/text/vocab_merges.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include <prefopt/core/config.hpp>
#include <prefopt/core/error.hpp>
#include <prefopt/text/tokenizer_file.hpp>

namespace prefopt {

PREFOPT_INLINE bpe_description read_vocab_merges(const std::filesystem::path& vocabulary_file,
                                                 const std::filesystem::path& merges_file) {
  bpe_description description;
  description.source = vocabulary_file.string();
  description.vocabulary = vocabulary_from_json(read_tokenizer_json_file(vocabulary_file), 0,
                                                vocabulary_file.string(), "");
  const std::string bytes = read_tokenizer_file(merges_file);
  std::string_view rest = bytes;
  for (std::size_t line = 1; !rest.empty(); ++line) {
    const auto end = rest.find('\n');
    std::string_view text = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    if (text.ends_with('\r')) text.remove_suffix(1);
    if (text.empty() || text.starts_with("#version")) continue;
    auto merge = split_merge(text);
    if (!merge) {
      throw checkpoint_error(
          merges_file.string(), "line " + std::to_string(line),
          "expected two tokens with a space between them, found " + quote_text(text));
    }
    description.merges.push_back(std::move(*merge));
  }
  constexpr const char* end_of_text = "<|endoftext|>";
  for (std::size_t i = 0; i < description.vocabulary.size(); ++i) {
    if (description.vocabulary[i] != end_of_text) continue;
    description.end = static_cast<token_id>(i);
    description.added.push_back({*description.end, end_of_text, true});
  }
  return description;
}

}  // namespace prefopt
