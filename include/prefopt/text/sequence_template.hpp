#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

#include <prefopt/data/token.hpp>

namespace prefopt {

/// Which end of a text that is too long is cut away (transformers' `truncation_side`).
enum class truncation_side {
  right,  ///< the text loses its end: transformers' default
  left,   ///< the text loses its beginning
};

/// The tokens that a classifier wants around a text: [CLS] x [SEP] of BERT, <s> x </s> of RoBERTa.
struct sequence_template {
  token_sequence before;
  token_sequence after;

  [[nodiscard]] std::size_t extra() const { return before.size() + after.size(); }

  /// `tokens` with these around it, in all at most `longest` tokens: what is too much of the text
  /// itself goes, the template's tokens stay, as in transformers. Throws `usage_error` where not
  /// even these fit.
  [[nodiscard]] token_sequence frame(std::span<const token_id> tokens, std::size_t longest,
                                     truncation_side side = truncation_side::right) const;

  friend bool operator==(const sequence_template&, const sequence_template&) = default;
};

/// The template that a tokenizer.json's post-processor puts around a single text; empty where it
/// has none. Throws `checkpoint_error`.
sequence_template read_sequence_template(const std::filesystem::path& path);

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/text/sequence_template.ipp>
#endif
