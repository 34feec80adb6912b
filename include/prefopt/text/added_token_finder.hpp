#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <prefopt/text/bpe_description.hpp>
#include <prefopt/text/utf8.hpp>

namespace prefopt {

/// Finds added tokens in a text: the leftmost, and of those that start at one place the longest.
class added_token_finder {
 public:
  /// Tokens with empty content are never found.
  explicit added_token_finder(std::vector<added_token> tokens) : tokens_(std::move(tokens)) {
    std::erase_if(tokens_, [](const added_token& t) { return t.content.empty(); });
    std::stable_sort(
        tokens_.begin(), tokens_.end(), [](const added_token& a, const added_token& b) {
          return first(a) != first(b) ? first(a) < first(b) : a.content.size() > b.content.size();
        });
    for (std::size_t i = 0; i < tokens_.size(); ++i) {
      auto& range = by_first_byte_[first(tokens_[i])];
      if (range.begin == range.end) range.begin = i;
      range.end = i + 1;
    }
  }

  struct match {
    std::size_t place;         // of its first byte; the text's size: none was found
    const added_token* token;  // null: none was found
  };

  /// The first one at or after `start`. Without `special`, special tokens are text like any other.
  [[nodiscard]] match find(std::string_view text, std::size_t start, bool special) const {
    if (tokens_.empty()) return {text.size(), nullptr};
    for (std::size_t at = start; at < text.size(); ++at) {
      const auto range = by_first_byte_[static_cast<unsigned char>(text[at])];
      for (std::size_t i = range.begin; i < range.end; ++i) {
        const added_token& token = tokens_[i];
        if (token.special && !special) continue;
        if (text.substr(at, token.content.size()) == token.content) return {at, &token};
      }
    }
    return {text.size(), nullptr};
  }

  /// Cuts a text at its added tokens: calls `on_text(piece)` for what is between them, empty pieces
  /// too, and `on_token(token)` for each.
  template <class OnText, class OnToken>
  void cut(std::string_view text, bool special, OnText on_text, OnToken on_token) const {
    for (std::size_t at = 0; at < text.size();) {
      const match found = find(text, at, special);
      const std::string_view before = text.substr(at, found.place - at);
      if (found.token == nullptr) return on_text(before);
      on_text(found.token->takes_left ? without_trailing_space(before) : before);
      on_token(*found.token);
      at = found.place + found.token->content.size();
      if (found.token->takes_right)
        at = text.size() - without_leading_space(text.substr(at)).size();
    }
  }

 private:
  static unsigned char first(const added_token& t) {
    return static_cast<unsigned char>(t.content.front());
  }

  struct token_range {
    std::size_t begin = 0;
    std::size_t end = 0;
  };

  std::vector<added_token> tokens_;  // by first byte, then the longest first
  std::array<token_range, 256> by_first_byte_{};
};

}  // namespace prefopt
