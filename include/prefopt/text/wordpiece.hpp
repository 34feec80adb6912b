#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <prefopt/core/error.hpp>
#include <prefopt/data/token.hpp>
#include <prefopt/text/added_token_finder.hpp>
#include <prefopt/text/bert_normalizer.hpp>
#include <prefopt/text/byte_level_bpe.hpp>
#include <prefopt/text/tokenizer.hpp>
#include <prefopt/text/utf8.hpp>
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
  explicit wordpiece(wordpiece_description description)
      : state_(std::make_shared<const state>(std::move(description))) {}

  /// The tokens of `text`; none are added around it.
  [[nodiscard]] token_sequence encode(std::string_view text,
                                      const encode_options& options = {}) const {
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

  /// Words with a space between them, as `tokenizers` decodes: what the normalizer took from the
  /// text is lost. Throws `usage_error` for a token outside the vocabulary.
  [[nodiscard]] std::string decode(std::span<const token_id> tokens,
                                   const decode_options& options = {}) const {
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

  /// As the vocabulary has it; empty for an id that it leaves free.
  [[nodiscard]] std::string_view token_text(token_id token) const {
    if (token < 0 || static_cast<std::size_t>(token) >= state_->texts.size()) {
      throw usage_error("token " + std::to_string(token) + " is outside the vocabulary of " +
                        std::to_string(state_->texts.size()));
    }
    return state_->texts[static_cast<std::size_t>(token)];
  }

  [[nodiscard]] std::size_t vocabulary_size() const { return state_->texts.size(); }
  /// None: a text ends with [SEP] where one is asked for, which is no part of it.
  [[nodiscard]] static std::optional<token_id> end_token() { return std::nullopt; }
  [[nodiscard]] const wordpiece_description& description() const { return state_->description; }

 private:
  /// The replacements of Hugging Face's WordPiece decoder, in its order.
  static std::string clean_up(std::string text) {
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

  using piece_ids = std::unordered_map<std::string_view, token_id>;

  struct state {
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
      if (description.unknown < 0 ||
          static_cast<std::size_t>(description.unknown) >= texts.size()) {
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

  std::shared_ptr<const state> state_;
};

static_assert(tokenizer<wordpiece>);

}  // namespace prefopt
