#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace prefopt {

/// The code point that stands for `byte` in the files of byte-level BPE (Radford et al. 2019,
/// encoder.py, bytes_to_unicode): printable Latin-1 stands for itself, the other 68 bytes are
/// numbered from U+0100 on. So a space is U+0120 'Ġ' and a line break U+010A 'Ċ'.
constexpr char32_t printable_byte(unsigned char byte) {
  const auto printable = [](unsigned b) {
    return (b >= 0x21 && b <= 0x7E) || (b >= 0xA1 && b <= 0xAC) || b >= 0xAE;
  };
  if (printable(byte)) return byte;
  char32_t code = 0x100;
  for (unsigned b = 0; b < byte; ++b) code += printable(b) ? 0 : 1;
  return code;
}

/// Bytes in that alphabet, as UTF-8.
inline std::string to_byte_alphabet(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size() + bytes.size() / 4);
  for (const char c : bytes) {
    const char32_t code = printable_byte(static_cast<unsigned char>(c));
    if (code < 0x80) {
      text += static_cast<char>(code);
    } else {
      text += static_cast<char>(0xC0U | (code >> 6U));
      text += static_cast<char>(0x80U | (code & 0x3FU));
    }
  }
  return text;
}

/// The bytes that `text` stands for; nothing where it has another character than the alphabet's.
inline std::optional<std::string> from_byte_alphabet(std::string_view text) {
  static const auto byte_of = [] {
    std::array<std::int16_t, 0x200> table{};
    table.fill(-1);
    for (unsigned b = 0; b < 256; ++b) {
      table[printable_byte(static_cast<unsigned char>(b))] = static_cast<std::int16_t>(b);
    }
    return table;
  }();
  std::string bytes;
  bytes.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned code = static_cast<unsigned char>(text[i]);
    if (code >= 0x80) {  // the alphabet ends below U+0200: two bytes of UTF-8 at most
      const unsigned next = i + 1 < text.size() ? static_cast<unsigned char>(text[i + 1]) : 0;
      if (code < 0xC2 || code > 0xC7 || (next & 0xC0U) != 0x80) return std::nullopt;
      code = ((code & 0x1FU) << 6U) | (next & 0x3FU);
      ++i;
    }
    if (byte_of[code] < 0) return std::nullopt;
    bytes += static_cast<char>(byte_of[code]);
  }
  return bytes;
}

}  // namespace prefopt
