#include <prefopt/eval/gnuplot.hpp>

#include <filesystem>
#include <string>

#include <gtest/gtest.h>

#include <prefopt/core/error.hpp>

#include "support/temporary_folder.hpp"

namespace prefopt {
namespace {

table data() {
  table t({{"x"}, {"y"}});
  t.add_row({"1", "2"});
  t.add_row({"2", "3"});
  return t;
}

constexpr const char* plot = "  plot data skip 1 using 1:2 with lines title 'it''s'\n";

std::ptrdiff_t entries(const test::temporary_folder& folder) {
  return std::distance(std::filesystem::directory_iterator(folder.path()), {});
}

TEST(gnuplot_quoted, NothingInATextActs) {
  EXPECT_EQ(gnuplot_quoted("it's `ls` \"$x\"\n"), "'it''s `ls` \"$x\" '");
}

TEST(draw, WithoutGnuplotTheNumbersAndANote) {
  const test::temporary_folder folder;
  const auto result = draw(folder / "p", data(), plot, {.program = "no-such-gnuplot"});
  EXPECT_FALSE(result.png || result.svg);
  EXPECT_NE(result.note.find("no-such-gnuplot is not installed"), std::string::npos);
  EXPECT_TRUE(std::filesystem::exists(result.csv));
  EXPECT_TRUE(std::filesystem::exists(result.script));
  EXPECT_EQ(entries(folder), 2);
}

TEST(draw, AFailureIsANoteWithItsReason) {
  const test::temporary_folder folder;
  const auto missing = draw(folder / "q", data(), plot);
  if (!missing.png) GTEST_SKIP() << "SKIPPED: gnuplot is not on this machine";
  const auto result = draw(folder / "p", data(), "  plot no_such_function(1)\n");
  EXPECT_FALSE(result.png || result.svg);
  EXPECT_NE(result.note.find("undefined function"), std::string::npos) << result.note;
}

TEST(draw, FourFilesBesideEachOther) {
  const test::temporary_folder folder;
  const auto result = draw(folder / "it's a picture", data(), plot);
  if (!result.png) GTEST_SKIP() << "SKIPPED: gnuplot is not on this machine: " << result.note;
  EXPECT_EQ(result.note, "");
  EXPECT_GT(std::filesystem::file_size(*result.png), 1000U);
  EXPECT_GT(std::filesystem::file_size(*result.svg), 1000U);
  EXPECT_EQ(entries(folder), 4);
}

TEST(draw, AFolderThatIsNotThere) {
  const test::temporary_folder folder;
  EXPECT_THROW(draw(folder / "none/p", data(), plot), data_error);
}

}  // namespace
}  // namespace prefopt
