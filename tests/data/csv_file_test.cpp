#include <prefopt/data/csv_file.hpp>

#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "support/damage.hpp"
#include "support/temporary_folder.hpp"

namespace prefopt {
namespace {

class csv_files : public testing::Test {
 protected:
  /// "line:a|b" of each row, for the columns b and a.
  std::vector<std::string> read(const std::string& bytes) {
    test::write_plainly(path_, bytes);
    std::vector<std::string> rows;
    for_each_csv_row(path_, {"b", "a"}, [&](std::span<const std::string> fields, std::size_t line) {
      rows.push_back(std::to_string(line) + ":" + fields[0] + "|" + fields[1]);
    });
    return rows;
  }
  void refused(const std::string& bytes, const std::string& words) {
    test::expect_error<data_error>([&] { read(bytes); }, words);
  }
  test::temporary_folder folder_;
  std::filesystem::path path_ = folder_ / "rows.csv";
};

using rows = std::vector<std::string>;

TEST_F(csv_files, ColumnsByName) {
  EXPECT_EQ(read("a,x,b\n1,2,3\n4,5,6"), (rows{"2:3|1", "3:6|4"}));
  EXPECT_EQ(read(",b,a\r\n0,1,2\r\n"), (rows{"2:1|2"}));
  EXPECT_EQ(read("\xEF\xBB\xBF"
                 "b,a\n,\n"),
            (rows{"2:|"}));
  EXPECT_EQ(read("b,a\n"), rows{});
}

TEST_F(csv_files, QuotesAndLineBreaks) {
  EXPECT_EQ(read("b,a\n\"x, \"\"y\"\"\",1\n\"one\ntwo\n\nthree\",\"2\"\n\nz,3\n"),
            (rows{"2:x, \"y\"|1", "3:one\ntwo\n\nthree|2", "8:z|3"}));
}

TEST_F(csv_files, WhatIsRefused) {
  refused("", "rows.csv: is empty");
  refused("b,c\n1,2\n", "rows.csv:1: field 'a': is not among");
  refused("b,a\n1,2\n1\n", "rows.csv:3: has 1 fields; expected 2");
  refused("b,a\n1,2,3\n", "rows.csv:2: has 3 fields");
  refused("b,a\n1,2\n\"x,2\n3,4\n", "rows.csv:3: ends inside a field in quotes");
  refused("b,a\nx\"y,2\n", "rows.csv:2: is not CSV");
  refused("b,a\n\"x\"y,2\n", "rows.csv:2: is not CSV");
}

TEST_F(csv_files, DamageIsReadOrRefused) {
  const auto outcome = test::try_damaged("b,a\n\"x\n1\",2\n\"\"\"\",4\n", 300,
                                         [&](const std::string& bytes) { read(bytes); });
  EXPECT_GT(outcome.refused, 30);
}

}  // namespace
}  // namespace prefopt
