#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
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
