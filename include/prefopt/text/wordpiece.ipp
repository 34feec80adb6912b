#pragma once

#include <prefopt/text/wordpiece.hpp>

#include <algorithm>
#include <array>
#include <unordered_map>
#include <utility>
#include <vector>

#include <prefopt/core/config.hpp>
#include <prefopt/core/error.hpp>
#include <prefopt/text/added_token_finder.hpp>
#include <prefopt/text/bert_normalizer.hpp>
#include <prefopt/text/utf8.hpp>

namespace prefopt {

struct wordpiece::state {
  using piece_ids = std::unordered_map<std::string_view, token_id>;

  wordpiece_description description;
  std::vector<std::string> texts;  // (vocabulary), that of added tokens included
  std::vector<bool> special;       // (vocabulary)
  added_token_finder added;
  piece_ids first;          // pieces that begin a word
  piece_ids continued;      // pieces that do not, without their mark; views into `description`
  std::size_t longest = 0;  // piece, in bytes

  explicit state(wordpiece_description given)
      : description(std::move(given)), added(description.added) {
    const auto& vocabulary = description.vocabulary;
    if (vocabulary.empty()) fail("the vocabulary is empty");
    if (vocabulary.size() > 0x7FFFFFFF) fail("the vocabulary is too large");
    if (description.continuing.empty()) fail("the mark of continuing pieces is empty");
    for (std::size_t i = 0; i < vocabulary.size(); ++i) {
      const std::string_view text = vocabulary[i];
      if (text.empty()) continue;
      const bool goes_on =
          text.starts_with(description.continuing) && text != description.continuing;
      const std::string_view bare = goes_on ? text.substr(description.continuing.size()) : text;
      if (!(goes_on ? continued : first).emplace(bare, static_cast<token_id>(i)).second) {
        fail("the token '" + vocabulary[i] + "' stands in the vocabulary twice");
      }
      longest = std::max(longest, bare.size());
    }
    texts = vocabulary;
    for (const added_token& each : description.added) {
      if (each.content.empty()) fail("an added token is empty");
      if (each.id < 0 ||
          static_cast<std::size_t>(each.id) >= vocabulary.size() + description.added.size()) {
        fail("the added token '" + each.content + "' has the id " + std::to_string(each.id) +
             ", which is outside the vocabulary");
      }
      const auto id = static_cast<std::size_t>(each.id);
      if (id >= texts.size()) texts.resize(id + 1);
      texts[id] = each.content;
    }
    special.resize(texts.size());
    for (const added_token& each : description.added) {
      special[static_cast<std::size_t>(each.id)] = each.special;
    }
    if (description.unknown < 0 || static_cast<std::size_t>(description.unknown) >= texts.size()) {
      fail("the unknown token is " + std::to_string(description.unknown) +
           ", but the vocabulary has " + std::to_string(texts.size()) + " tokens");
    }
  }
  state(const state&) = delete;
  state& operator=(const state&) = delete;
  ~state() = default;

  [[noreturn]] void fail(const std::string& problem) const {
    throw checkpoint_error(description.source, "", problem);
  }

  void encode_word(std::string_view word, token_sequence& tokens) const {
    const std::size_t before = tokens.size();
    bool known = word.size() <= description.longest_word ||  // bytes are at least characters
                 count_characters(word) <= description.longest_word;
    for (std::string_view rest = word; known && !rest.empty();) {
      const piece_ids& pieces = rest.size() == word.size() ? first : continued;
      std::size_t length = std::min(rest.size(), longest);
      auto found = pieces.end();
      for (; length > 0; --length) {
        // Only whole characters: a piece of the vocabulary cannot end within one.
        found = pieces.find(rest.substr(0, length));
        if (found != pieces.end()) break;
      }
      known = length > 0;
      if (known) tokens.push_back(found->second);
      rest.remove_prefix(length);
    }
    if (known) return;
    tokens.resize(before);
    tokens.push_back(description.unknown);
  }

  static std::size_t count_characters(std::string_view text) {
    std::size_t count = 0;
    for_each_character(text, [&](char32_t, std::string_view) { ++count; });
    return count;
  }
};

PREFOPT_INLINE wordpiece::wordpiece(wordpiece_description description)
    : state_(std::make_shared<const state>(std::move(description))) {}

PREFOPT_INLINE token_sequence wordpiece::encode(std::string_view text,
                                                const encode_options& options) const {
  token_sequence tokens;
  tokens.reserve(text.size() / 4);
  const auto words = [&](std::string_view piece) {
    for_each_bert_word(piece, [&](std::string_view word) { state_->encode_word(word, tokens); });
  };
  const wordpiece_description& d = state_->description;
  state_->added.cut(
      text, options.special_tokens,
      [&](std::string_view piece) { d.normalized ? words(d.normalizer(piece)) : words(piece); },
      [&](const added_token& token) { tokens.push_back(token.id); });
  return tokens;
}

PREFOPT_INLINE std::string wordpiece::decode(std::span<const token_id> tokens,
                                             const decode_options& options) const {
  const wordpiece_description& d = state_->description;
  std::string text;
  bool first = true;
  for (const token_id token : tokens) {
    std::string piece(token_text(token));
    if (!options.special_tokens && state_->special[static_cast<std::size_t>(token)]) continue;
    if (!first && piece.starts_with(d.continuing)) {
      piece.erase(0, d.continuing.size());
    } else if (!first) {
      piece.insert(0, " ");
    }
    first = false;
    text += d.cleanup ? clean_up(std::move(piece)) : piece;
  }
  return text;
}

PREFOPT_INLINE std::string_view wordpiece::token_text(token_id token) const {
  if (token < 0 || static_cast<std::size_t>(token) >= state_->texts.size()) {
    throw usage_error("token " + std::to_string(token) + " is outside the vocabulary of " +
                      std::to_string(state_->texts.size()));
  }
  return state_->texts[static_cast<std::size_t>(token)];
}

PREFOPT_INLINE std::size_t wordpiece::vocabulary_size() const {
  return state_->texts.size();
}

PREFOPT_INLINE const wordpiece_description& wordpiece::description() const {
  return state_->description;
}

PREFOPT_INLINE std::string wordpiece::clean_up(std::string text) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 11> replacements{{
      {" .", "."},
      {" ?", "?"},
      {" !", "!"},
      {" ,", ","},
      {" ' ", "'"},
      {" n't", "n't"},
      {" 'm", "'m"},
      {" do not", " don't"},
      {" 's", "'s"},
      {" 've", "'ve"},
      {" 're", "'re"},
  }};
  for (const auto& [from, to] : replacements) {
    for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at)) {
      text.replace(at, from.size(), to);
      at += to.size();
    }
  }
  return text;
}

}  // namespace prefopt
