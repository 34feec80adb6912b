#pragma once

#include <concepts>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <prefopt/data/token.hpp>

namespace prefopt {

/// Text to tokens and back.
///
/// 1. `tokenizer.encode(text)` gives the tokens of `text`, without special tokens added around it.
/// 2. `tokenizer.decode(tokens)` gives the bytes that the tokens stand for.
/// 3. `tokenizer.vocabulary_size()` is one more than the largest token.
/// 4. `tokenizer.end_token()` is the token that ends a text, where the vocabulary has one.
template <class Tokenizer>
concept tokenizer = requires(const Tokenizer& t, std::string_view text,
                             std::span<const token_id> tokens) {
  { t.encode(text) } -> std::same_as<token_sequence>;
  { t.decode(tokens) } -> std::same_as<std::string>;
  { t.vocabulary_size() } -> std::convertible_to<std::size_t>;
  { t.end_token() } -> std::same_as<std::optional<token_id>>;
};

}  // namespace prefopt
