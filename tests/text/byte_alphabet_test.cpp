#include <prefopt/text/byte_alphabet.hpp>

#include <set>
#include <string>

#include <gtest/gtest.h>

namespace prefopt {
namespace {

static_assert(printable_byte('a') == 'a');
static_assert(printable_byte(' ') == 0x120);
static_assert(printable_byte('\n') == 0x10A);
static_assert(printable_byte(0xAD) == 0x143);

TEST(byte_alphabet, every_byte_has_its_own_and_comes_back) {
  std::set<std::string> seen;
  std::string all;
  for (int b = 0; b < 256; ++b) {
    const std::string byte(1, static_cast<char>(b));
    seen.insert(to_byte_alphabet(byte));
    EXPECT_EQ(from_byte_alphabet(to_byte_alphabet(byte)), byte);
    all += byte;
  }
  EXPECT_EQ(seen.size(), 256U);
  EXPECT_EQ(from_byte_alphabet(to_byte_alphabet(all)), all);
}

TEST(byte_alphabet, other_characters_are_not_in_it) {
  for (const char* text :
       {" ", "\n", "\xC2\xAD", "\xC5\x84", "\xE2\x82\xAC", "\xC4", "\xFF", "a\x80"}) {
    EXPECT_EQ(from_byte_alphabet(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace prefopt
