#include <prefopt/data/json_row.hpp>

#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "support/damage.hpp"
#include "support/temporary_folder.hpp"

namespace prefopt {
namespace {

class json_row_of : public testing::Test {
 protected:
  template <class Visit>
  void rows(const std::string& bytes, Visit visit) {
    test::write_plainly(path_, bytes);
    for_each_json_row(path_, visit);
  }
  void expect_row_error(const std::string& bytes, const std::string& words) {
    test::expect_error<data_error>([&] { rows(bytes, [](const json_row&) {}); }, words);
  }
  test::temporary_folder folder_;
  std::filesystem::path path_ = folder_ / "rows";
};

TEST_F(json_row_of, fields) {
  int count = 0;
  rows("\xEF\xBB\xBF{\"t\": \"a\\u00e9\\ud83d\\ude00\\n\", \"n\": 3, \"x\": -1.5e-3}\r\n\n  \n{}",
       [&](const json_row& row) {
         if (count++ == 1) return;
         EXPECT_EQ(row.text("t"), "a\xC3\xA9\xF0\x9F\x98\x80\n");
         EXPECT_EQ(row.number("n"), 3.0);
         EXPECT_EQ(row.number("x"), -1.5e-3);
         EXPECT_EQ(row.find_text("none"), std::nullopt);
         EXPECT_EQ(row.find_number("none"), std::nullopt);
       });
  EXPECT_EQ(count, 2);
}

TEST_F(json_row_of, null_is_absent) {
  rows("{\"t\": null}", [](const json_row& row) {
    EXPECT_EQ(row.find_text("t"), std::nullopt);
    test::expect_error<data_error>([&] { (void)row.text("t"); }, "rows:1: field 't': is missing");
    test::expect_error<data_error>([&] { (void)row.number("n"); }, "rows:1: field 'n': is missing");
  });
}

TEST_F(json_row_of, wrong_kinds_are_named) {
  rows("\n{\"t\": 1, \"l\": [{\"role\": \"user\"}], \"n\": \"1\", \"b\": true, \"d\": 1, \"d\": 2}",
       [](const json_row& row) {
         const auto refused = [](auto call, const char* words) {
           test::expect_error<data_error>(call, words);
         };
         refused([&] { (void)row.text("t"); }, "rows:2: field 't': expected text, found 1");
         refused([&] { (void)row.text("l"); },
                 "rows:2: field 'l': expected text, found a list; make rows of chat");
         refused([&] { (void)row.number("n"); },
                 "rows:2: field 'n': expected a number, found \"1\"");
         refused([&] { (void)row.number("b"); }, "expected a number, found true");
         refused([&] { (void)row.number("d"); }, "rows:2: field 'd': stands there twice");
       });
}

TEST_F(json_row_of, lines_that_are_no_objects) {
  expect_row_error("{}\n[1]\n", "rows:2: expected one JSON object a line, found [1]");
  expect_row_error("{}\n\n{\"a\": \n", "rows:3: is not JSON");
  expect_row_error("{\"a\": NaN}", "rows:1: is not JSON");
  expect_row_error("{\"a\": 1e999}", "rows:1: is not JSON");
  expect_row_error("{\"a\": 1} {}", "rows:1: is not JSON");
  expect_row_error("{\"a\": \"\xFF\"}", "rows:1: is not JSON");
  expect_row_error(std::string("{\"a\":\0 1}", 9), "rows:1: is not JSON");
  expect_row_error(std::string(100000, '[') + "\n", "rows:1: is not JSON");
}

}  // namespace
}  // namespace prefopt
