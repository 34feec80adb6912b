#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace prefopt {

/// Length in bytes of the UTF-8 character that `text` starts with; 0 where it starts with none
/// (RFC 3629: no overlong form, no surrogate, nothing above U+10FFFF).
constexpr std::size_t utf8_character_length(std::string_view text) {
  if (text.empty()) return 0;
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  const auto follows = [&](std::size_t i) { return (byte(i) & 0xC0U) == 0x80U; };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (first < 0xC2) return 0;
  if (first < 0xE0) return follows(1) ? 2 : 0;
  if (first < 0xF0) {
    const bool second = first == 0xE0   ? byte(1) >= 0xA0 && byte(1) < 0xC0
                        : first == 0xED ? byte(1) >= 0x80 && byte(1) < 0xA0
                                        : follows(1);
    return second && follows(2) ? 3 : 0;
  }
  if (first > 0xF4) return 0;
  const bool second = first == 0xF0   ? byte(1) >= 0x90 && byte(1) < 0xC0
                      : first == 0xF4 ? byte(1) >= 0x80 && byte(1) < 0x90
                                      : follows(1);
  return second && follows(2) && follows(3) ? 4 : 0;
}

/// The code point of the character that `text` starts with, which is `length` bytes long as
/// `utf8_character_length` says; U+FFFD where that is 0.
constexpr char32_t utf8_code_point(std::string_view text, std::size_t length) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  switch (length) {
    case 0:
      return 0xFFFD;
    case 1:
      return byte(0);
    case 2:
      return (byte(0) & 0x1FU) << 6U | (byte(1) & 0x3FU);
    case 3:
      return (byte(0) & 0x0FU) << 12U | (byte(1) & 0x3FU) << 6U | (byte(2) & 0x3FU);
    default:
      return (byte(0) & 0x07U) << 18U | (byte(1) & 0x3FU) << 12U | (byte(2) & 0x3FU) << 6U |
             (byte(3) & 0x3FU);
  }
}

/// Appends a code point below U+110000.
inline void append_utf8(std::string& text, char32_t point) {
  const auto add = [&](char32_t bits) { text += static_cast<char>(bits); };
  const auto next = [&](unsigned shift) { add(0x80U | ((point >> shift) & 0x3FU)); };
  if (point < 0x80) {
    add(point);
  } else if (point < 0x800) {
    add(0xC0U | point >> 6U);
    next(0);
  } else if (point < 0x10000) {
    add(0xE0U | point >> 12U);
    next(6);
    next(0);
  } else {
    add(0xF0U | point >> 18U);
    next(12);
    next(6);
    next(0);
  }
}

/// Unicode's property White_Space.
constexpr bool is_white_space(char32_t c) {
  return c == ' ' || (c >= 0x09 && c <= 0x0D) || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F ||
         c == 0x3000;
}

/// Calls `visit(code point, its bytes)` for every character; a byte that belongs to none is U+FFFD.
template <class Visit>
void for_each_character(std::string_view text, Visit visit) {
  while (!text.empty()) {
    const std::size_t length = utf8_character_length(text);
    const std::size_t bytes = length == 0 ? 1 : length;
    visit(utf8_code_point(text, length), text.substr(0, bytes));
    text.remove_prefix(bytes);
  }
}

/// The text without the white space that it begins with.
inline std::string_view without_leading_space(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = utf8_character_length(text);
    if (!is_white_space(utf8_code_point(text, length))) break;
    text.remove_prefix(length);
  }
  return text;
}

/// The text without the white space that it ends with.
inline std::string_view without_trailing_space(std::string_view text) {
  while (!text.empty()) {
    std::size_t begin = text.size() - 1;
    while (begin > 0 && text.size() - begin < 4 &&
           (static_cast<unsigned char>(text[begin]) & 0xC0U) == 0x80U) {
      --begin;
    }
    const std::string_view last = text.substr(begin);
    const std::size_t length = utf8_character_length(last);
    if (length != last.size() || !is_white_space(utf8_code_point(last, length))) break;
    text.remove_suffix(length);
  }
  return text;
}

/// How many bytes from the start are valid UTF-8, in whole characters.
inline std::size_t valid_utf8_length(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    std::uint64_t eight = 0;
    if (text.size() - at >= sizeof eight) {
      std::memcpy(&eight, text.data() + at, sizeof eight);
      if ((eight & 0x8080808080808080U) == 0) {
        at += sizeof eight;
        continue;
      }
    }
    const std::size_t length = utf8_character_length(text.substr(at));
    if (length == 0) break;
    at += length;
  }
  return at;
}

}  // namespace prefopt
