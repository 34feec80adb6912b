#pragma once

#include <cstddef>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include <prefopt/core/error.hpp>
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
                   truncation_side side = truncation_side::right)
      : tokenizer_(std::move(tokenizer)),
        template_(std::move(around)),
        longest_(longest == 0 ? no_limit : longest),
        side_(side) {
    if (template_.extra() >= longest_) {
      throw usage_error("a text may have " + std::to_string(longest_) +
                        " tokens, of which none is its own: special tokens are " +
                        std::to_string(template_.extra()));
    }
    for (const token_sequence& list : {template_.before, template_.after}) {
      for (const token_id token : list) {
        if (static_cast<std::size_t>(token) >= vocabulary_size()) {
          throw usage_error("the special token " + std::to_string(token) +
                            " is outside the vocabulary of " + std::to_string(vocabulary_size()));
        }
      }
    }
  }

  struct encoded {
    token_sequence tokens;
    bool cut = false;  ///< the text was too long, see `truncation_side`
  };

  [[nodiscard]] encoded operator()(std::string_view text,
                                   const encode_options& options = {}) const {
    const token_sequence own =
        std::visit([&](const auto& t) { return t.encode(text, options); }, tokenizer_);
    return {template_.frame(own, longest_, side_), own.size() > longest_ - template_.extra()};
  }
  [[nodiscard]] token_sequence encode(std::string_view text,
                                      const encode_options& options = {}) const {
    return (*this)(text, options).tokens;
  }

  /// The same with at most `longest` tokens a text, and never more than now.
  [[nodiscard]] sequence_encoder limited(std::size_t longest, truncation_side side) const {
    const std::size_t least = longest == 0 || longest > longest_ ? longest_ : longest;
    return {tokenizer_, template_, least, side};
  }
  [[nodiscard]] sequence_encoder limited(std::size_t longest) const {
    return limited(longest, side_);
  }

  [[nodiscard]] std::size_t vocabulary_size() const {
    return std::visit([](const auto& t) { return t.vocabulary_size(); }, tokenizer_);
  }
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
