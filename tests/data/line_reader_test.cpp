#include <prefopt/data/line_reader.hpp>

#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <prefopt/core/random.hpp>

#include "support/damage.hpp"
#include "support/temporary_folder.hpp"

namespace prefopt {
namespace {

class line_reader_on : public testing::Test {
 protected:
  std::vector<std::string> lines(const std::string& bytes,
                                 std::size_t longest = line_reader::default_longest) {
    test::write_plainly(path_, bytes);
    line_reader reader(path_, longest);
    std::vector<std::string> result;
    while (reader.next()) {
      result.emplace_back(reader.line());
      EXPECT_EQ(reader.number(), result.size());
    }
    return result;
  }
  test::temporary_folder folder_;
  std::filesystem::path path_ = folder_ / "file";
  using list = std::vector<std::string>;
};

TEST_F(line_reader_on, ends_of_lines) {
  EXPECT_EQ(lines(""), list{});
  EXPECT_EQ(lines("a"), list{"a"});
  EXPECT_EQ(lines("a\n"), list{"a"});
  EXPECT_EQ(lines("a\r\nb\n\n\r\nc\r"), (list{"a", "b", "", "", "c"}));
  EXPECT_EQ(lines("a\rb\n"), list{"a\rb"});
}

TEST_F(line_reader_on, byte_order_mark) {
  EXPECT_EQ(lines("\xEF\xBB\xBF{}\n\xEF\xBB\xBF"), (list{"{}", "\xEF\xBB\xBF"}));
}

TEST_F(line_reader_on, lines_of_every_length) {
  random_stream random(3);
  list expected;
  std::string bytes;
  for (int i = 0; i < 300; ++i) {
    expected.emplace_back(random.below(i % 50 == 0 ? 300000 : 500), 'x');
    bytes += expected.back() + (random.below(2) == 0 ? "\n" : "\r\n");
  }
  EXPECT_EQ(lines(bytes), expected);
}

TEST_F(line_reader_on, too_long_a_line) {
  EXPECT_EQ(lines("ab\nabcd\n", 4), (list{"ab", "abcd"}));
  test::expect_error<data_error>([&] { lines("ab\nabcde\n", 4); },
                                 ":2: the line is longer than 4 bytes");
  test::expect_error<data_error>([&] { lines(std::string(1000000, 'x'), 1000); },
                                 ":1: the line is longer than 1000 bytes");
}

TEST_F(line_reader_on, blank_lines_and_errors) {
  test::write_plainly(path_, " \t\nx\n");
  line_reader reader(path_);
  ASSERT_TRUE(reader.next());
  EXPECT_TRUE(reader.blank());
  ASSERT_TRUE(reader.next());
  EXPECT_FALSE(reader.blank());
  test::expect_error<data_error>([&] { reader.fail("score", "no"); }, "file:2: field 'score': no");
  EXPECT_FALSE(reader.next());
}

}  // namespace
}  // namespace prefopt
