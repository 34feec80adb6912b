#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <prefopt/data/token.hpp>
#include <prefopt/text/bpe_description.hpp>
#include <prefopt/text/tokenizer.hpp>

namespace prefopt {

struct encode_options {
  /// Text that spells a special token (`<|endoftext|>`) becomes that token; false: it is text like
  /// any other, which is safer for text that strangers wrote.
  bool special_tokens = true;
};

struct decode_options {
  bool special_tokens = true;  ///< false: they are left out of the text
};

/// The tokenizer of GPT-2 and its relatives (Radford et al. 2019, section 2.2; Sennrich et al.
/// 2016): added tokens are cut out, the rest is cut into words, and within each word pairs of
/// tokens are merged, starting from its bytes. Token ids equal those of Hugging Face `tokenizers`.
///
/// Any bytes can be encoded: a run of bytes that are not UTF-8 is a word of its own. `decode`
/// returns the bytes that were encoded, unless the vocabulary lacks a byte: it is dropped, or
/// becomes the unknown token, as `tokenizers` does (SmolLM2 lacks six control characters, and bytes
/// that no assigned character has).
///
/// Safe to use from several threads at once. Copies share one state.
class byte_level_bpe {
 public:
  /// Throws `checkpoint_error` where the description contradicts itself.
  explicit byte_level_bpe(bpe_description description);

  /// The tokens of `text`; none are added around it.
  [[nodiscard]] token_sequence encode(std::string_view text,
                                      const encode_options& options = {}) const;

  /// The bytes that the tokens stand for. Cut in the middle of a character they are not valid
  /// UTF-8. Throws `usage_error` for a token outside the vocabulary.
  [[nodiscard]] std::string decode(std::span<const token_id> tokens,
                                   const decode_options& options = {}) const;

  /// The bytes of one token; empty for an id that the vocabulary leaves free.
  [[nodiscard]] std::string_view token_bytes(token_id token) const;

  [[nodiscard]] std::size_t vocabulary_size() const;
  [[nodiscard]] std::optional<token_id> end_token() const;
  [[nodiscard]] const bpe_description& description() const;

  /// Whether every byte has a token, so that `decode` returns whatever bytes were encoded.
  [[nodiscard]] bool covers_all_bytes() const;

 private:
  struct state;

  std::shared_ptr<state> state_;
};

static_assert(tokenizer<byte_level_bpe>);

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/text/byte_level_bpe.ipp>
#endif
