#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace prefopt {

// What the lexicon's rules need of text, as Python's `str` methods have it. Letters are those of
// ASCII and of Latin-1 (A to Z, À to Þ and their small ones); others count as having no case.

namespace detail {

/// Bytes of the white-space character (Unicode's) at the start of `text`; 0: there is none.
inline std::size_t space_length(std::string_view text) {
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  const unsigned first = byte(0);
  if (first == ' ' || (first >= 0x09 && first <= 0x0D) || (first >= 0x1C && first <= 0x1F)) {
    return text.empty() ? 0 : 1;
  }
  if (first == 0xC2) return byte(1) == 0x85 || byte(1) == 0xA0 ? 2 : 0;
  if (first == 0xE1) return byte(1) == 0x9A && byte(2) == 0x80 ? 3 : 0;
  if (first == 0xE3) return byte(1) == 0x80 && byte(2) == 0x80 ? 3 : 0;
  if (first != 0xE2) return 0;
  const unsigned last = byte(2);
  const bool general = byte(1) == 0x80 && ((last >= 0x80 && last <= 0x8A) || last == 0xA8 ||
                                           last == 0xA9 || last == 0xAF);
  return general || (byte(1) == 0x81 && last == 0x9F) ? 3 : 0;
}

/// `str.split()`.
inline std::vector<std::string_view> split_words(std::string_view text) {
  std::vector<std::string_view> words;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t space = space_length(text.substr(i));
    if (space == 0) {
      ++i;
      continue;
    }
    if (i > begin) words.push_back(text.substr(begin, i - begin));
    i += space;
    begin = i;
  }
  if (begin < text.size()) words.push_back(text.substr(begin));
  return words;
}

/// Whether `text[i]` is the second byte of a letter of Latin-1 that starts with 0xC3.
inline bool latin_letter(std::string_view text, std::size_t i) {
  if (i == 0 || static_cast<unsigned char>(text[i - 1]) != 0xC3) return false;
  const auto byte = static_cast<unsigned char>(text[i]);
  return byte >= 0x80 && byte <= 0xBF && byte != 0x97 && byte != 0xB7;  // not x and :
}

/// `str.lower()`.
inline std::string lower_case(std::string_view text) {
  std::string result(text);
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if ((byte >= 'A' && byte <= 'Z') || (latin_letter(text, i) && byte <= 0x9E)) {
      result[i] = static_cast<char>(byte + 0x20);
    }
  }
  return result;
}

/// `str.isupper()`: there are letters, and all are capitals.
inline bool is_upper_case(std::string_view text) {
  bool any = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const bool latin = latin_letter(text, i);
    if ((byte >= 'a' && byte <= 'z') || (latin && byte >= 0x9F)) return false;
    any = any || (byte >= 'A' && byte <= 'Z') || latin;
  }
  return any;
}

/// `len(str)`: characters, not bytes.
inline std::size_t character_count(std::string_view text) {
  std::size_t count = 0;
  for (const char c : text) count += (static_cast<unsigned char>(c) & 0xC0U) != 0x80U ? 1 : 0;
  return count;
}

/// Without the ASCII punctuation at both ends; as it was where that leaves two characters or less,
/// because then it is likely an emoticon.
inline std::string_view strip_punctuation(std::string_view word) {
  constexpr std::string_view punctuation = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";
  const std::size_t begin = word.find_first_not_of(punctuation);
  if (begin == std::string_view::npos) return word;
  const std::size_t end = word.find_last_not_of(punctuation);
  const std::string_view stripped = word.substr(begin, end - begin + 1);
  return character_count(stripped) <= 2 ? word : stripped;
}

}  // namespace detail

}  // namespace prefopt
