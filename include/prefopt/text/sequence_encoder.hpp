#pragma once

#include <cstddef>
#include <limits>
#include <string_view>
#include <variant>

#include <prefopt/data/token.hpp>
#include <prefopt/text/byte_level_bpe.hpp>
#include <prefopt/text/sequence_template.hpp>
#include <prefopt/text/wordpiece.hpp>

namespace prefopt {

/// Whole texts to the tokens that a classifier reads: tokenized, cut to a length, special tokens
/// around. Safe to use from several threads at once.
class sequence_encoder {
 public:
  using any_tokenizer = std::variant<wordpiece, byte_level_bpe>;

  /// `longest`: tokens of a text, special ones included; 0: no limit.
  sequence_encoder(any_tokenizer tokenizer, sequence_template around, std::size_t longest = 0,
                   truncation_side side = truncation_side::right);

  struct encoded {
    token_sequence tokens;
    bool cut = false;  ///< the text was too long, see `truncation_side`
  };

  [[nodiscard]] encoded operator()(std::string_view text, const encode_options& options = {}) const;
  [[nodiscard]] token_sequence encode(std::string_view text,
                                      const encode_options& options = {}) const;

  /// The same with at most `longest` tokens a text, and never more than now.
  [[nodiscard]] sequence_encoder limited(std::size_t longest, truncation_side side) const;
  [[nodiscard]] sequence_encoder limited(std::size_t longest) const;

  [[nodiscard]] std::size_t vocabulary_size() const;
  [[nodiscard]] std::size_t longest() const { return longest_; }
  [[nodiscard]] truncation_side side() const { return side_; }
  [[nodiscard]] const any_tokenizer& tokenizer() const { return tokenizer_; }
  [[nodiscard]] const sequence_template& around() const { return template_; }

 private:
  static constexpr std::size_t no_limit = std::numeric_limits<std::size_t>::max();

  any_tokenizer tokenizer_;
  sequence_template template_;
  std::size_t longest_;
  truncation_side side_;
};

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/text/sequence_encoder.ipp>
#endif
