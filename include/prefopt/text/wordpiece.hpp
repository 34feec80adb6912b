#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <prefopt/data/token.hpp>
#include <prefopt/text/byte_level_bpe.hpp>
#include <prefopt/text/tokenizer.hpp>
#include <prefopt/text/wordpiece_description.hpp>

namespace prefopt {

/// The tokenizer of BERT, DistilBERT and MiniLM (Wu et al. 2016; Devlin et al. 2019): added tokens
/// are cut out, the rest is normalized and cut into words and punctuation marks, and a word is cut
/// into the longest piece of the vocabulary that it begins with, the longest that the rest begins
/// with, and so on. A word that cannot be cut so, or is over `longest_word` characters long, is the
/// unknown token. Token ids equal those of Hugging Face `tokenizers`, but that its tables of
/// accents, punctuation and control characters are those of Unicode 8 and ours utf8proc's.
///
/// Safe to use from several threads at once. Copies share one state.
class wordpiece {
 public:
  /// Throws `checkpoint_error` where the description contradicts itself.
  explicit wordpiece(wordpiece_description description);

  /// The tokens of `text`; none are added around it.
  [[nodiscard]] token_sequence encode(std::string_view text,
                                      const encode_options& options = {}) const;

  /// Words with a space between them, as `tokenizers` decodes: what the normalizer took from the
  /// text is lost. Throws `usage_error` for a token outside the vocabulary.
  [[nodiscard]] std::string decode(std::span<const token_id> tokens,
                                   const decode_options& options = {}) const;

  /// As the vocabulary has it; empty for an id that it leaves free.
  [[nodiscard]] std::string_view token_text(token_id token) const;

  [[nodiscard]] std::size_t vocabulary_size() const;
  /// None: a text ends with [SEP] where one is asked for, which is no part of it.
  [[nodiscard]] static std::optional<token_id> end_token() { return std::nullopt; }
  [[nodiscard]] const wordpiece_description& description() const;

 private:
  /// The replacements of Hugging Face's WordPiece decoder, in its order.
  static std::string clean_up(std::string text);

  struct state;

  std::shared_ptr<const state> state_;
};

static_assert(tokenizer<wordpiece>);

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/text/wordpiece.ipp>
#endif
