#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace prefopt {

/// The hashed word n-grams of texts, each once, as a set of buckets. A word is a run of ASCII
/// letters, digits, apostrophes and bytes above 127, in lower case; `<br />` parts words; `!` and
/// `?` are words of their own. Keeps scratch memory, so one object serves one thread.
class word_ngrams {
 public:
  /// Sequences of 1 to `longest` words fall into 2^bits buckets; bits from 1 to 32.
  word_ngrams(unsigned bits, std::size_t longest) : shift_(64U - bits), longest_(longest) {}

  /// Writes the text's buckets to `buckets`, sorted, without doubles.
  void operator()(std::string_view text, std::vector<std::uint32_t>& buckets);

 private:
  static constexpr std::string_view line_break = "<br />";

  static char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
  static bool in_word(char c) {
    const char l = lower(c);
    return (l >= 'a' && l <= 'z') || (c >= '0' && c <= '9') || c == '\'' ||
           static_cast<unsigned char>(c) >= 0x80;
  }

  /// The n-grams that end with this word: the hash of n words continues that of the n - 1 before.
  void add(std::string_view word, std::vector<std::uint32_t>& buckets);

  unsigned shift_;
  std::size_t longest_;
  std::string word_;
  std::vector<std::uint64_t> words_;  // hashes of the text's words
};

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/score/word_ngrams.ipp>
#endif
