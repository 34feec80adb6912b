#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

#include <nlohmann/json.hpp>

#include <prefopt/core/error.hpp>
#include <prefopt/text/tokenizer_json_fields.hpp>
#include <prefopt/text/wordpiece_description.hpp>

namespace prefopt {

namespace detail {

class wordpiece_json_reader : tokenizer_json_fields {
 public:
  using tokenizer_json_fields::tokenizer_json_fields;

  [[nodiscard]] bool is_wordpiece() const { return is_kind(member(root_, "model"), "WordPiece"); }

  [[nodiscard]] wordpiece_description read() const {
    wordpiece_description description;
    description.source = file_;
    read_normalizer(description);
    if (const json& words = member(root_, "pre_tokenizer"); !is_kind(words, "BertPreTokenizer")) {
      fail("pre_tokenizer", "expected BertPreTokenizer, found " + kind_of(words));
    }
    const json& model = member(root_, "model");
    if (!is_wordpiece()) fail("model", "expected WordPiece, found " + kind_of(model));
    const json& added = member(root_, "added_tokens");
    const std::size_t more = added.is_array() ? added.size() : 0;
    description.vocabulary =
        vocabulary_from_json(member(model, "vocab"), more, file_, "model.vocab");
    description.added = read_added(description.vocabulary.size());
    if (added.is_array()) {
      for (const json& item : added) must_be_off(item, "normalized", "added_tokens");
    }
    if (const json& mark = member(model, "continuing_subword_prefix"); !mark.is_null()) {
      if (!mark.is_string()) fail("model.continuing_subword_prefix", "expected text");
      description.continuing = mark.get<std::string>();
    }
    if (const json& longest = member(model, "max_input_chars_per_word"); !longest.is_null()) {
      if (!longest.is_number_unsigned()) fail("model.max_input_chars_per_word", "is no count");
      description.longest_word = longest.get<std::size_t>();
    }
    const json& unknown = member(model, "unk_token");
    const std::string text = unknown.is_string() ? unknown.get<std::string>() : "[UNK]";
    bool found = false;
    for (std::size_t i = 0; i < description.vocabulary.size() && !found; ++i) {
      found = description.vocabulary[i] == text;
      if (found) description.unknown = static_cast<token_id>(i);
    }
    if (!found) fail("model.unk_token", quote_text(text) + " is not in the vocabulary");
    if (const json& decoder = member(root_, "decoder"); !decoder.is_null()) {
      if (!is_kind(decoder, "WordPiece")) {
        fail("decoder", "expected WordPiece, found " + kind_of(decoder));
      }
      description.cleanup = flag(decoder, "cleanup", true, "decoder");
    }
    return description;
  }

 private:
  void read_normalizer(wordpiece_description& description) const {
    const json& part = member(root_, "normalizer");
    description.normalized = !part.is_null();
    if (part.is_null()) return;
    if (!is_kind(part, "BertNormalizer")) {
      fail("normalizer", "expected BertNormalizer, found " + kind_of(part));
    }
    bert_normalizer& n = description.normalizer;
    n.clean_text = flag(part, "clean_text", true, "normalizer");
    n.space_ideographs = flag(part, "handle_chinese_chars", true, "normalizer");
    n.lower_case = flag(part, "lowercase", true, "normalizer");
    n.strip_accents = flag(part, "strip_accents", n.lower_case, "normalizer");
  }
};

}  // namespace detail

/// A WordPiece tokenizer from Hugging Face's tokenizer.json, as BERT's are: BertNormalizer or none,
/// BertPreTokenizer, WordPiece. The post-processor is `read_sequence_template`'s. Throws
/// `checkpoint_error` naming the file and the part that is damaged or not supported.
inline wordpiece_description read_wordpiece_json(const std::filesystem::path& path) {
  return detail::wordpiece_json_reader(path).read();
}

}  // namespace prefopt
