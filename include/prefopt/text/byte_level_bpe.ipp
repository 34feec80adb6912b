#pragma once

#include <prefopt/text/byte_level_bpe.hpp>

#include <array>
#include <cstdint>
#include <functional>
#include <mutex>
#include <unordered_map>
#include <utility>
#include <vector>

#include <prefopt/core/config.hpp>
#include <prefopt/core/error.hpp>
#include <prefopt/text/added_token_finder.hpp>
#include <prefopt/text/byte_alphabet.hpp>
#include <prefopt/text/merge_table.hpp>
#include <prefopt/text/word_splitter.hpp>

namespace prefopt {

struct byte_level_bpe::state {
  struct text_hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>{}(text);
    }
  };
  struct token_run {
    std::uint32_t begin;
    std::uint32_t count;
  };

  /// What one call of `encode` works with; the words it has met stay for the next one.
  struct scratch {
    word_splitter::scratch match;
    merge_table::scratch merging;
    token_sequence word;
    std::string prefixed;
    std::unordered_map<std::string, token_run, text_hash, std::equal_to<>> known;
    token_sequence known_tokens;
  };

  bpe_description description;
  std::vector<std::string> bytes;           // (vocabulary): what each token decodes to
  std::vector<bool> special;                // (vocabulary)
  std::array<token_id, 256> byte_tokens{};  // -1: the vocabulary lacks it
  merge_table merges;
  added_token_finder added;
  word_splitter splitter;
  std::mutex mutex;
  std::vector<std::unique_ptr<scratch>> idle;

  explicit state(bpe_description given)
      : description(std::move(given)), added(description.added), splitter(description.words) {
    using kind = bpe_description::pre_tokenizer;
    if (description.add_prefix_space && description.words != kind::gpt2) {
      fail("a space before the text goes with GPT-2's way to cut words only");
    }
    if (description.vocabulary.empty()) fail("the vocabulary is empty");
    if (description.vocabulary.size() > 0x7FFFFFFF) fail("the vocabulary is too large");
    const auto ids = number_tokens();
    byte_tokens.fill(-1);
    for (std::size_t b = 0; b < 256; ++b) {
      const auto found = ids.find(to_byte_alphabet(std::string(1, static_cast<char>(b))));
      if (found != ids.end()) byte_tokens[b] = found->second;
    }
    const auto token_of = [&](const std::string& text, std::size_t rank) {
      const auto found = ids.find(text);
      if (found == ids.end()) {
        fail("merge " + std::to_string(rank) + " needs the token '" + text +
             "', which the vocabulary lacks");
      }
      return found->second;
    };
    if (description.merges.size() > 0x7FFFFFFF) fail("there are too many merges");
    for (std::size_t rank = 0; rank < description.merges.size(); ++rank) {
      const auto& [left, right] = description.merges[rank];
      const token_id first = token_of(left, rank);
      const token_id second = token_of(right, rank);
      const token_id joined = token_of(left + right, rank);
      merges.add(first, second, static_cast<std::uint32_t>(rank), joined);
    }
    add_tokens();
    check_id(description.end, "the end token");
    check_id(description.unknown, "the unknown token");
  }

  [[noreturn]] void fail(const std::string& problem) const {
    throw checkpoint_error(description.source, "", problem);
  }

  void check_id(std::optional<token_id> id, const std::string& what) const {
    if (id && (*id < 0 || static_cast<std::size_t>(*id) >= bytes.size())) {
      fail(what + " is " + std::to_string(*id) + ", but the vocabulary has " +
           std::to_string(bytes.size()) + " tokens");
    }
  }

  std::unordered_map<std::string, token_id> number_tokens() {
    std::unordered_map<std::string, token_id> ids;
    const auto& vocabulary = description.vocabulary;
    ids.reserve(vocabulary.size());
    bytes.reserve(vocabulary.size());
    for (std::size_t i = 0; i < vocabulary.size(); ++i) {
      const auto id = static_cast<token_id>(i);
      if (!vocabulary[i].empty() && !ids.emplace(vocabulary[i], id).second) {
        fail("the token '" + vocabulary[i] + "' stands in the vocabulary twice");
      }
      bytes.push_back(from_byte_alphabet(vocabulary[i]).value_or(vocabulary[i]));
    }
    return ids;
  }

  void add_tokens() {
    for (const auto& each : description.added) {
      // An added token extends the vocabulary by at most the number of added ones.
      const auto limit = description.vocabulary.size() + description.added.size();
      if (each.id < 0 || static_cast<std::size_t>(each.id) >= limit) {
        fail("the added token '" + each.content + "' has the id " + std::to_string(each.id) +
             ", which is outside the vocabulary");
      }
      if (each.content.empty()) fail("an added token is empty");
      const auto id = static_cast<std::size_t>(each.id);
      if (id >= bytes.size()) bytes.resize(id + 1);
      bytes[id] = each.content;
    }
    special.resize(bytes.size());
    for (const auto& each : description.added) {
      special[static_cast<std::size_t>(each.id)] = each.special;
    }
  }

  std::unique_ptr<scratch> borrow() {
    {
      const std::lock_guard lock(mutex);
      if (!idle.empty()) {
        auto work = std::move(idle.back());
        idle.pop_back();
        return work;
      }
    }
    auto work = std::make_unique<scratch>();
    work->match = splitter.make_scratch();
    return work;
  }

  void give_back(std::unique_ptr<scratch> work) {
    const std::lock_guard lock(mutex);
    idle.push_back(std::move(work));
  }

  void encode_plain(std::string_view text, token_sequence& tokens, scratch& work) const {
    if (text.empty()) return;
    if (description.add_prefix_space && text.front() != ' ') {
      work.prefixed.assign(1, ' ').append(text);
      text = work.prefixed;
    }
    splitter.split(text, work.match,
                   [&](std::string_view word) { encode_word(word, tokens, work); });
  }

  void encode_word(std::string_view word, token_sequence& tokens, scratch& work) const {
    constexpr std::size_t longest_kept = 64;     // bytes; longer words seldom come twice
    constexpr std::size_t most_kept = 1U << 17;  // words; about 15 MB
    if (const auto found = work.known.find(word); found != work.known.end()) {
      const auto begin = work.known_tokens.begin() + found->second.begin;
      tokens.insert(tokens.end(), begin, begin + found->second.count);
      return;
    }
    work.word.clear();
    for (const char c : word) {
      const token_id token = byte_tokens[static_cast<unsigned char>(c)];
      if (token >= 0) {
        work.word.push_back(token);
      } else if (description.unknown) {
        work.word.push_back(*description.unknown);
      }
    }
    merges.apply(work.word, work.merging);
    tokens.insert(tokens.end(), work.word.begin(), work.word.end());
    if (word.size() > longest_kept) return;
    if (work.known.size() >= most_kept) {
      work.known.clear();
      work.known_tokens.clear();
    }
    work.known.emplace(word, token_run{static_cast<std::uint32_t>(work.known_tokens.size()),
                                       static_cast<std::uint32_t>(work.word.size())});
    work.known_tokens.insert(work.known_tokens.end(), work.word.begin(), work.word.end());
  }
};

PREFOPT_INLINE byte_level_bpe::byte_level_bpe(bpe_description description)
    : state_(std::make_shared<state>(std::move(description))) {}

PREFOPT_INLINE token_sequence byte_level_bpe::encode(std::string_view text,
                                                     const encode_options& options) const {
  token_sequence tokens;
  tokens.reserve(text.size() / 3);
  auto work = state_->borrow();
  state_->added.cut(
      text, options.special_tokens,
      [&](std::string_view piece) { state_->encode_plain(piece, tokens, *work); },
      [&](const added_token& token) { tokens.push_back(token.id); });
  state_->give_back(std::move(work));
  return tokens;
}

PREFOPT_INLINE std::string byte_level_bpe::decode(std::span<const token_id> tokens,
                                                  const decode_options& options) const {
  std::string text;
  for (const token_id token : tokens) {
    const std::string_view bytes = token_bytes(token);
    if (options.special_tokens || !state_->special[static_cast<std::size_t>(token)]) {
      text += bytes;
    }
  }
  return text;
}

PREFOPT_INLINE std::string_view byte_level_bpe::token_bytes(token_id token) const {
  if (token < 0 || static_cast<std::size_t>(token) >= state_->bytes.size()) {
    throw usage_error("token " + std::to_string(token) + " is outside the vocabulary of " +
                      std::to_string(state_->bytes.size()));
  }
  return state_->bytes[static_cast<std::size_t>(token)];
}

PREFOPT_INLINE std::size_t byte_level_bpe::vocabulary_size() const {
  return state_->bytes.size();
}

PREFOPT_INLINE std::optional<token_id> byte_level_bpe::end_token() const {
  return state_->description.end;
}

PREFOPT_INLINE const bpe_description& byte_level_bpe::description() const {
  return state_->description;
}

PREFOPT_INLINE bool byte_level_bpe::covers_all_bytes() const {
  for (const token_id token : state_->byte_tokens) {
    if (token < 0) return false;
  }
  return true;
}

}  // namespace prefopt
