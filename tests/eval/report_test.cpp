#include <prefopt/eval/report.hpp>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include <gtest/gtest.h>

#include <prefopt/core/error.hpp>

#include "support/temporary_folder.hpp"

namespace prefopt {
namespace {

table example() {
  table t({{"method"}, {"reward", table::alignment::right}});
  t.add_row({"before", "0.6"});
  t.add_row({"odpo \xCE\xB1=\xC2\xBD", "0.782"});
  return t;
}

TEST(table, RowsHaveAsManyCellsAsThereAreColumns) {
  auto t = example();
  EXPECT_THROW(t.add_row({"one"}), usage_error);
  EXPECT_THROW(table({}), usage_error);
}

TEST(to_text, AlignsByWhatIsSeen) {
  EXPECT_EQ(to_text(example()),
            "method    reward\n"
            "--------  ------\n"
            "before       0.6\n"
            "odpo \xCE\xB1=\xC2\xBD   0.782\n");
}

TEST(to_text, ACellStaysOnItsLine) {
  table t({{"a"}, {"b"}});
  t.add_row({"x\ny\t", "z"});
  EXPECT_EQ(to_text(t), "a     b\n----  -\nx y   z\n");
}

TEST(display_width, CountsColumnsNotBytes) {
  EXPECT_EQ(display_width("abc"), 3U);
  EXPECT_EQ(display_width("\xC3\xA9t\xC3\xA9"), 3U);         // ete with accents
  EXPECT_EQ(display_width("e\xCC\x81"), 1U);                 // e and a combining accent
  EXPECT_EQ(display_width("\xE6\x98\xA0\xE7\x94\xBB"), 4U);  // two wide characters
  EXPECT_EQ(display_width("\xF0\x9F\x8E\xAC"), 2U);          // an emoji
  EXPECT_EQ(display_width("\xFF\xC3"), 2U);                  // no UTF-8
  EXPECT_EQ(display_width("\xF0\x9F\x8E"), 3U);              // cut off
}

TEST(to_markdown, EscapesWhatWouldAct) {
  table t({{"name"}, {"n", table::alignment::right}});
  t.add_row({"a|b *c*", "1"});
  EXPECT_EQ(to_markdown(t),
            "| name       |   n |\n"
            "| ---------- | --: |\n"
            "| a\\|b \\*c\\* |   1 |\n");
}

TEST(to_csv, QuotesAsRfc4180Says) {
  table t({{"text"}, {"n"}});
  t.add_row({"plain", "1"});
  t.add_row({"a, \"b\"\nc", ""});
  EXPECT_EQ(to_csv(t), "text,n\r\nplain,1\r\n\"a, \"\"b\"\"\nc\",\r\n");
}

TEST(write_csv, WritesTheFileOrSaysWhichItCouldNot) {
  const test::temporary_folder folder;
  write_csv(example(), folder / "t.csv");
  std::ifstream in(folder / "t.csv", std::ios::binary);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(in), {}), to_csv(example()));
  EXPECT_THROW(write_csv(example(), folder / "none/t.csv"), data_error);
}

TEST(format, Numbers) {
  EXPECT_EQ(format_number(0.78249), "0.782");
  EXPECT_EQ(format_number(-3.0, 1), "-3.0");
  EXPECT_EQ(format_estimate({0.5, 0.25, 0.75, 8}, 2), "0.50 [0.25, 0.75]");
  EXPECT_EQ(std::strtod(format_exact(1.0 / 3.0).c_str(), nullptr), 1.0 / 3.0);
}

}  // namespace
}  // namespace prefopt
