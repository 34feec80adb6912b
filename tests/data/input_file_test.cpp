#include <prefopt/data/input_file.hpp>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <prefopt/core/error.hpp>
#include <prefopt/data/output_file.hpp>

#include "support/damage.hpp"
#include "support/data.hpp"
#include "support/temporary_folder.hpp"

namespace prefopt {
namespace {

std::string read_all(const std::filesystem::path& path) {
  input_file in(path);
  std::string text;
  std::vector<char> piece(1000);
  while (const auto count = in.read(piece)) text.append(piece.data(), count);
  return text;
}

std::string numbers() {
  std::string text;
  for (int i = 0; i < 3000; ++i) text += std::to_string(i * i) + "\n";
  return text;
}

class packed : public testing::TestWithParam<const char*> {
 protected:
  test::temporary_folder folder_;
  std::filesystem::path path_ = folder_ / (std::string("x.") + GetParam());
  std::string make(const std::string& text) {
    output_file out(path_);
    out.write(text);
    out.commit();
    return test::file_bytes(path_);
  }
};

// Packed by gzip, xz and zstd themselves: see tests/goldens/compressed.sh.
TEST_P(packed, by_the_programs_themselves) {
  EXPECT_EQ(read_all(test::golden("data/lines.txt." + std::string(GetParam()))),
            "one\ntwo\nthree\n");
}

TEST_P(packed, several_streams_are_one) {
  const auto one = make(numbers());
  test::write_plainly(path_, one + one + one);
  EXPECT_EQ(read_all(path_), numbers() + numbers() + numbers());
}

TEST_P(packed, under_another_name) {
  const auto bytes = make(numbers());
  test::write_plainly(folder_ / "plain.jsonl", bytes);
  EXPECT_EQ(read_all(folder_ / "plain.jsonl"), numbers());
}

TEST_P(packed, cut_short_anywhere_is_an_error) {
  const auto bytes = make(numbers());
  for (std::size_t size = 0; size < bytes.size(); size += size < 40 ? 1 : 97) {
    test::write_plainly(path_, bytes.substr(0, size));
    test::expect_error<data_error>([&] { read_all(path_); }, path_.string());
  }
}

TEST_P(packed, damage_is_an_error_or_does_no_harm) {
  const auto bytes = make(numbers());
  const auto outcome = test::try_damaged(bytes, 400, [&](const std::string& spoilt) {
    test::write_plainly(path_, spoilt);
    EXPECT_LE(read_all(path_).size(), 2 * numbers().size());
  });
  EXPECT_GT(outcome.refused, 200);
}

INSTANTIATE_TEST_SUITE_P(kinds, packed, testing::Values("gz", "xz", "zst"));

TEST(input_file, plain_and_empty) {
  const test::temporary_folder folder;
  test::write_plainly(folder / "a", numbers());
  EXPECT_EQ(read_all(folder / "a"), numbers());
  test::write_plainly(folder / "empty", "");
  EXPECT_EQ(read_all(folder / "empty"), "");
}

TEST(input_file, what_it_is_not) {
  const test::temporary_folder folder;
  test::expect_error<data_error>([&] { input_file(folder / "none"); }, "none: cannot be opened");
  test::expect_error<data_error>([&] { input_file(folder.path()); }, "is a folder");
  test::write_plainly(folder / "a.gz", "text");
  test::expect_error<data_error>([&] { input_file(folder / "a.gz"); }, "is not compressed as its");
  test::write_plainly(folder / "b.xz", "");
  test::expect_error<data_error>([&] { input_file(folder / "b.xz"); }, "is empty");
}

}  // namespace
}  // namespace prefopt
