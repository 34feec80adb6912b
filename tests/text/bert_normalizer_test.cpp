#include <prefopt/text/bert_normalizer.hpp>

#include <cstddef>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "support/data.hpp"
#include "support/json_file.hpp"

namespace prefopt {
namespace {

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> list;
  for_each_bert_word(text, [&](std::string_view word) { list.emplace_back(word); });
  return list;
}

TEST(bert_normalizer, cleans_spaces_strips_and_lowers) {
  const bert_normalizer all;
  EXPECT_EQ(all(""), "");
  EXPECT_EQ(all("The\tFilm\r\n"), "the film  ");
  EXPECT_EQ(all("a\x01 b\x7F\u200B\uFFFDc"), "a bc");
  EXPECT_EQ(all("x\u00A0y\u3000z"), "x y z");
  EXPECT_EQ(all("ab\u4F60\u597Dcd"), "ab \u4F60  \u597D cd");
  EXPECT_EQ(all("Caf\u00C9 na\u00EFve \u0130"), "cafe naive i");
  EXPECT_EQ(all("\u1E9E\u03A3"), "\u00DF\u03C3");
}

TEST(bert_normalizer, each_part_can_be_off) {
  EXPECT_EQ((bert_normalizer{.clean_text = false}("a\x01\tb")), "a\x01\tb");
  EXPECT_EQ((bert_normalizer{.space_ideographs = false}("a\u4F60")), "a\u4F60");
  EXPECT_EQ((bert_normalizer{.strip_accents = false}("\u00C9\u0130")), "\u00E9i\u0307");
  EXPECT_EQ((bert_normalizer{.lower_case = false}("\u00C9A")), "EA");
  EXPECT_EQ((bert_normalizer{.strip_accents = false, .lower_case = false}("\u00C9A")), "\u00C9A");
}

TEST(bert_normalizer, bytes_that_are_not_utf8_are_dropped) {
  EXPECT_EQ(bert_normalizer{}("a\xFF\xC3 b\xE4\xBD"), "a b");
  // Without the clean-up they are what stands for them.
  EXPECT_EQ((bert_normalizer{.clean_text = false}("a\xFF")), "a\uFFFD");
}

TEST(bert_normalizer, a_character_may_become_longer) {
  EXPECT_EQ(bert_normalizer{}("\u0344"), "");                    // two marks
  EXPECT_EQ(bert_normalizer{}("\uFB2C"), "\u05E9");              // a letter, two marks
  EXPECT_EQ(bert_normalizer{}("\uAC01"), "\u1100\u1161\u11A8");  // three letters
}

TEST(for_each_bert_word, cuts_at_white_space_and_punctuation) {
  EXPECT_EQ(split(""), std::vector<std::string>{});
  EXPECT_EQ(split(" a  b\u2003"), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(split("it's!? $5"), (std::vector<std::string>{"it", "'", "s", "!", "?", "$", "5"}));
  EXPECT_EQ(split("\u201Ca\u201D\u2014"),
            (std::vector<std::string>{"\u201C", "a", "\u201D", "\u2014"}));
  EXPECT_EQ(split("\u20AC5"), std::vector<std::string>{"\u20AC5"});  // a symbol, no punctuation
}

/// Code points in the ranges of a golden file.
std::vector<bool> points_of(const nlohmann::json& ranges) {
  std::vector<bool> points(0x110000);
  for (const auto& range : ranges) {
    for (std::size_t c = range[0]; c <= range[1]; ++c) points[c] = true;
  }
  return points;
}

TEST(bert_normalizer, has_the_tables_of_hugging_face_but_for_newer_characters) {
  const auto golden = test::json_file(test::golden("text/classifiers/unicode.json"));
  const auto dropped = points_of(golden["dropped"]);
  const auto marks = points_of(golden["marks"]);
  const auto punctuation = points_of(golden["punctuation"]);
  std::size_t different = 0;
  for (char32_t c = 1; c < 0x110000; ++c) {
    if (c >= 0xD800 && c <= 0xDFFF) continue;
    const bool drops = c == 0xFFFD || detail::is_bert_control(c);
    const bool mark = detail::category_of(c) == UTF8PROC_CATEGORY_MN;
    // A mark that composes from others is found by what it decomposes to, as in the golden file.
    std::string text;
    append_utf8(text, c);
    const bool strips = (bert_normalizer{false, false, true, false}(text)).empty();
    EXPECT_TRUE(!mark || strips) << static_cast<std::uint32_t>(c);
    const bool same = drops == dropped[c] && strips == marks[c] &&
                      detail::is_bert_punctuation(c) == punctuation[c];
    different += same ? 0 : 1;
    EXPECT_TRUE(same || c >= 0x61D);  // scripts that Unicode has extended since
  }
  EXPECT_LT(different, 700U);
}

}  // namespace
}  // namespace prefopt
