#pragma once

#include <prefopt/text/sequence_encoder.hpp>

#include <string>
#include <utility>

#include <prefopt/core/config.hpp>
#include <prefopt/core/error.hpp>

namespace prefopt {

PREFOPT_INLINE sequence_encoder::sequence_encoder(any_tokenizer tokenizer, sequence_template around,
                                                  std::size_t longest, truncation_side side)
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

PREFOPT_INLINE sequence_encoder::encoded sequence_encoder::operator()(
    std::string_view text, const encode_options& options) const {
  const token_sequence own =
      std::visit([&](const auto& t) { return t.encode(text, options); }, tokenizer_);
  return {template_.frame(own, longest_, side_), own.size() > longest_ - template_.extra()};
}

PREFOPT_INLINE token_sequence sequence_encoder::encode(std::string_view text,
                                                       const encode_options& options) const {
  return (*this)(text, options).tokens;
}

PREFOPT_INLINE sequence_encoder sequence_encoder::limited(std::size_t longest,
                                                          truncation_side side) const {
  const std::size_t least = longest == 0 || longest > longest_ ? longest_ : longest;
  return {tokenizer_, template_, least, side};
}

PREFOPT_INLINE sequence_encoder sequence_encoder::limited(std::size_t longest) const {
  return limited(longest, side_);
}

PREFOPT_INLINE std::size_t sequence_encoder::vocabulary_size() const {
  return std::visit([](const auto& t) { return t.vocabulary_size(); }, tokenizer_);
}

}  // namespace prefopt
