#include <prefopt/data/output_file.hpp>

#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <prefopt/core/error.hpp>
#include <prefopt/core/random.hpp>
#include <prefopt/data/input_file.hpp>

#include "support/damage.hpp"
#include "support/temporary_folder.hpp"

namespace prefopt {
namespace {

std::string read_all(const std::filesystem::path& path, std::size_t step) {
  input_file in(path);
  std::string text;
  std::vector<char> piece(step);
  while (const auto count = in.read(piece)) text.append(piece.data(), count);
  return text;
}

/// Text that packs by about a half.
std::string some_text(std::size_t size) {
  random_stream random(1);
  std::string text(size, ' ');
  for (char& c : text) c = static_cast<char>('a' + random.below(20));
  return text;
}

class output_file_of : public testing::TestWithParam<const char*> {};

TEST_P(output_file_of, is_read_back_in_every_size) {
  const test::temporary_folder folder;
  const auto path = folder / GetParam();
  for (const std::size_t size : {0UL, 1UL, 65535UL, 65536UL, 1000003UL}) {
    const std::string text = some_text(size);
    output_file out(path);
    out.write(std::string_view(text).substr(0, size / 3));
    out.write(std::string_view(text).substr(size / 3));
    out.commit();
    EXPECT_EQ(read_all(path, 65536), text) << size;
    EXPECT_EQ(read_all(path, 777), text) << size;
  }
}

TEST_P(output_file_of, the_same_bytes_in_make_the_same_bytes_out) {
  const test::temporary_folder folder;
  const std::string name = GetParam();
  for (const char* prefix : {"a", "b"}) {
    output_file out(folder / (prefix + name));
    out.write(some_text(5000));
    out.commit();
  }
  EXPECT_EQ(test::file_bytes(folder / ("a" + name)), test::file_bytes(folder / ("b" + name)));
}

TEST_P(output_file_of, without_commit_the_old_file_stays) {
  const test::temporary_folder folder;
  const auto path = folder / GetParam();
  test::write_plainly(path, "old");
  {
    output_file out(path);
    out.write(some_text(200000));
  }
  EXPECT_EQ(test::file_bytes(path), "old");
  const std::filesystem::directory_iterator files(folder.path());
  EXPECT_EQ(std::distance(begin(files), end(files)), 1);
}

INSTANTIATE_TEST_SUITE_P(names, output_file_of, testing::Values("x.txt", "x.gz", "x.xz", "x.zst"));

}  // namespace
}  // namespace prefopt
