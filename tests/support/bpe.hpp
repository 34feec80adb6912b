#pragma once

#include <string>
#include <string_view>

#include <prefopt/text/bpe_description.hpp>
#include <prefopt/text/byte_alphabet.hpp>

namespace prefopt::test {

/// The 256 bytes, each as its own number, "ab" 256, "abc" 257, " a" 258, and `<end>` 259.
inline bpe_description small_bpe() {
  bpe_description d;
  for (int b = 0; b < 256; ++b) {
    d.vocabulary.push_back(to_byte_alphabet(std::string(1, static_cast<char>(b))));
  }
  const std::string space = to_byte_alphabet(" ");
  d.vocabulary.insert(d.vocabulary.end(), {"ab", "abc", space + "a"});
  d.merges = {{"a", "b"}, {"ab", "c"}, {space, "a"}};
  d.vocabulary.push_back("<end>");
  d.added.push_back({259, "<end>", true});
  d.end = 259;
  return d;
}

inline std::string from_hexadecimal(std::string_view digits) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(std::string(digits.substr(i, 2)), nullptr, 16));
  }
  return bytes;
}

}  // namespace prefopt::test
