#pragma once

#include <prefopt/score/word_ngrams.hpp>

#include <algorithm>

#include <xxhash.h>

#include <prefopt/core/config.hpp>

namespace prefopt {

PREFOPT_INLINE void word_ngrams::operator()(std::string_view text,
                                            std::vector<std::uint32_t>& buckets) {
  buckets.clear();
  words_.clear();
  for (std::size_t i = 0; i < text.size();) {
    if (text[i] == '<' && text.substr(i, line_break.size()) == line_break) {
      i += line_break.size();
    } else if (text[i] == '!' || text[i] == '?') {
      add(text.substr(i, 1), buckets);
      ++i;
    } else if (in_word(text[i])) {
      word_.clear();
      for (; i < text.size() && in_word(text[i]); ++i) word_ += lower(text[i]);
      add(word_, buckets);
    } else {
      ++i;
    }
  }
  std::sort(buckets.begin(), buckets.end());
  buckets.erase(std::unique(buckets.begin(), buckets.end()), buckets.end());
}

PREFOPT_INLINE void word_ngrams::add(std::string_view word, std::vector<std::uint32_t>& buckets) {
  words_.push_back(XXH3_64bits(word.data(), word.size()));
  std::uint64_t hash = 0;
  const std::size_t most = std::min(longest_, words_.size());
  for (std::size_t n = 1; n <= most; ++n) {
    // The multiplier is the golden ratio's, odd: products differ where factors do.
    hash = (hash ^ words_[words_.size() - n]) * 0x9E3779B97F4A7C15U;
    hash ^= hash >> 32U;
    buckets.push_back(static_cast<std::uint32_t>((hash * 0x9E3779B97F4A7C15U) >> shift_));
  }
}

}  // namespace prefopt
