#pragma once

#include <prefopt/text/train_bpe.hpp>

#include <algorithm>
#include <cstdint>
#include <map>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <prefopt/core/config.hpp>
#include <prefopt/core/error.hpp>
#include <prefopt/data/token.hpp>
#include <prefopt/text/byte_alphabet.hpp>
#include <prefopt/text/word_splitter.hpp>

namespace prefopt {

namespace detail {

/// Words as symbols, and how often each pair of neighbours occurs in the texts.
class pair_counter {
 public:
  using pair = std::pair<token_id, token_id>;

  void add_word(token_sequence symbols, std::int64_t count) {
    words_.push_back({std::move(symbols), count});
    count_pairs(words_.size() - 1, 1);
  }

  /// The most frequent pair; of several the one with the smallest ids.
  [[nodiscard]] std::pair<pair, std::int64_t> most_frequent() const {
    std::pair<pair, std::int64_t> best{{0, 0}, 0};
    for (const auto& [key, count] : counts_) {
      if (count > best.second) best = {key, count};
    }
    return best;
  }

  /// Replaces the pair by `merged`, from the left, in every word.
  void merge(const pair& merging, token_id merged) {
    std::vector<std::size_t> places = std::move(words_of_[merging]);
    std::sort(places.begin(), places.end());
    places.erase(std::unique(places.begin(), places.end()), places.end());
    for (const std::size_t place : places) {
      count_pairs(place, -1);
      token_sequence& symbols = words_[place].symbols;
      std::size_t to = 0;
      for (std::size_t from = 0; from < symbols.size(); ++to) {
        const bool here = from + 1 < symbols.size() && symbols[from] == merging.first &&
                          symbols[from + 1] == merging.second;
        symbols[to] = here ? merged : symbols[from];
        from += here ? 2 : 1;
      }
      symbols.resize(to);
      count_pairs(place, 1);
    }
    counts_.erase(merging);
    words_of_.erase(merging);
  }

 private:
  struct word {
    token_sequence symbols;
    std::int64_t count;
  };

  void count_pairs(std::size_t place, std::int64_t sign) {
    const word& w = words_[place];
    for (std::size_t i = 0; i + 1 < w.symbols.size(); ++i) {
      const pair key{w.symbols[i], w.symbols[i + 1]};
      counts_[key] += sign * w.count;
      if (sign > 0) words_of_[key].push_back(place);
    }
  }

  std::vector<word> words_;
  std::map<pair, std::int64_t> counts_;                // ordered: ties go to the smallest ids
  std::map<pair, std::vector<std::size_t>> words_of_;  // may hold words that lost the pair since
};

}  // namespace detail

PREFOPT_INLINE bpe_description train_bpe(std::span<const std::string> texts,
                                         std::size_t vocabulary_size,
                                         const train_bpe_options& options) {
  if (vocabulary_size < 257 || vocabulary_size > 0x7FFFFFFF) {
    throw usage_error("train_bpe: a vocabulary of " + std::to_string(vocabulary_size) +
                      " tokens; expected at least 257, the bytes and the end token");
  }
  bpe_description result;
  result.words = options.words;
  result.vocabulary.push_back(options.end);
  result.added.push_back({0, options.end, true});
  result.end = 0;
  std::vector<std::pair<char32_t, unsigned char>> alphabet;
  for (unsigned byte = 0; byte < 256; ++byte) {
    const auto value = static_cast<unsigned char>(byte);
    alphabet.emplace_back(printable_byte(value), value);
  }
  std::sort(alphabet.begin(), alphabet.end());
  std::vector<token_id> id_of_byte(256);
  std::unordered_map<std::string, token_id> ids;
  for (const auto& [code, byte] : alphabet) {
    const char raw = static_cast<char>(byte);
    id_of_byte[byte] = static_cast<token_id>(result.vocabulary.size());
    result.vocabulary.push_back(to_byte_alphabet(std::string_view(&raw, 1)));
    ids.emplace(result.vocabulary.back(), id_of_byte[byte]);
  }

  std::map<std::string, std::int64_t> counts;
  const word_splitter splitter(options.words);
  const auto scratch = splitter.make_scratch();
  for (const std::string& text : texts) {
    splitter.split(text, scratch, [&](std::string_view word) { ++counts[std::string(word)]; });
  }
  detail::pair_counter pairs;
  for (const auto& [word, count] : counts) {
    token_sequence symbols;
    for (const char c : word) symbols.push_back(id_of_byte[static_cast<unsigned char>(c)]);
    pairs.add_word(std::move(symbols), count);
  }
  const auto least = static_cast<std::int64_t>(std::max<std::size_t>(options.least_count, 1));
  while (result.vocabulary.size() < vocabulary_size) {
    const auto [best, count] = pairs.most_frequent();
    if (count < least) break;
    const std::string left = result.vocabulary[static_cast<std::size_t>(best.first)];
    const std::string right = result.vocabulary[static_cast<std::size_t>(best.second)];
    // The same letters may be reached by another pair: that token has its id already.
    const auto next = static_cast<token_id>(result.vocabulary.size());
    const auto [found, is_new] = ids.try_emplace(left + right, next);
    if (is_new) result.vocabulary.push_back(left + right);
    result.merges.emplace_back(left, right);
    pairs.merge(best, found->second);
  }
  return result;
}

}  // namespace prefopt
