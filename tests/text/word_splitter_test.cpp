#include <prefopt/text/word_splitter.hpp>

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace prefopt {
namespace {

using list = std::vector<std::string>;
using kind = bpe_description::pre_tokenizer;

list words(std::string_view text, kind how = kind::gpt2) {
  const word_splitter splitter(how);
  list result;
  splitter.split(text, splitter.make_scratch(),
                 [&](std::string_view word) { result.emplace_back(word); });
  return result;
}

TEST(word_splitter, as_gpt2) {
  EXPECT_EQ(words("don't  stop 12,5!\n"),
            (list{"don", "'t", " ", " stop", " 12", ",", "5", "!", "\n"}));
  EXPECT_EQ(words("a   "), (list{"a", "   "}));
  EXPECT_EQ(words(""), list{});
  EXPECT_EQ(words("x\xC2\xA0y"), (list{"x", "\xC2\xA0", "y"}));
}

TEST(word_splitter, digits_apart) {
  EXPECT_EQ(words("a 12  3", kind::digits_gpt2), (list{"a", " ", "1", "2", "  ", "3"}));
}

TEST(word_splitter, bytes_that_are_not_utf8_end_a_text) {
  EXPECT_EQ(words("a  \xFF\xC3 b"), (list{"a", "  ", "\xFF\xC3", " b"}));
  EXPECT_EQ(words("\x80"), list{"\x80"});
}

}  // namespace
}  // namespace prefopt
