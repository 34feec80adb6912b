#include <prefopt/text/utf8.hpp>

#include <string>

#include <gtest/gtest.h>

namespace prefopt {
namespace {

std::string encoded(unsigned code) {
  std::string s;
  const auto tail = [&](unsigned shift) {
    s += static_cast<char>(0x80U | ((code >> shift) & 0x3FU));
  };
  if (code < 0x80) {
    s += static_cast<char>(code);
  } else if (code < 0x800) {
    s += static_cast<char>(0xC0U | (code >> 6U)), tail(0);
  } else if (code < 0x10000) {
    s += static_cast<char>(0xE0U | (code >> 12U)), tail(6), tail(0);
  } else {
    s += static_cast<char>(0xF0U | (code >> 18U)), tail(12), tail(6), tail(0);
  }
  return s;
}

TEST(utf8, every_code_point) {
  for (unsigned code = 0; code < 0x120000; ++code) {
    const bool good = code < 0x110000 && (code < 0xD800 || code > 0xDFFF);
    const std::string bytes = encoded(code);
    ASSERT_EQ(utf8_character_length(bytes), good ? bytes.size() : 0) << code;
    if (bytes.size() > 1) {
      ASSERT_EQ(utf8_character_length(std::string_view(bytes).substr(0, bytes.size() - 1)), 0U);
    }
  }
}

TEST(utf8, overlong_forms_and_stray_bytes) {
  for (const char* text : {"\xC0\xAF", "\xC1\xBF", "\xE0\x9F\xBF", "\xF0\x8F\xBF\xBF", "\x80",
                           "\xFF", "\xC3(", "\xE2\x82(", "\xF5\x80\x80\x80"}) {
    EXPECT_EQ(utf8_character_length(text), 0U);
  }
  EXPECT_EQ(utf8_character_length(""), 0U);
}

TEST(utf8, the_valid_part) {
  EXPECT_EQ(valid_utf8_length(""), 0U);
  EXPECT_EQ(valid_utf8_length("0123456789\xC3\xA9\xC3"), 12U);
  EXPECT_EQ(valid_utf8_length(std::string(20, 'x') + "\xFF" + std::string(20, 'x')), 20U);
}

}  // namespace
}  // namespace prefopt
