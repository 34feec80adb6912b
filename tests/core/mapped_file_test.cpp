// This program is built with the standard library alone, but mapped_file needs Boost's headers.
#if __has_include(<boost/interprocess/file_mapping.hpp>)

#include <prefopt/core/mapped_file.hpp>

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <utility>

#include <gtest/gtest.h>

#include <prefopt/core/error.hpp>

namespace prefopt {
namespace {

namespace fs = std::filesystem;

std::string_view text(const mapped_file& file) {
  const auto bytes = file.bytes();
  return bytes.empty()
             ? std::string_view()
             : std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

class mapped_file_test : public testing::Test {
 protected:
  void TearDown() override { fs::remove(path); }
  void write(std::string_view bytes) const { std::ofstream(path, std::ios::binary) << bytes; }

  fs::path path = fs::temp_directory_path() / ("prefopt-mapped-file-" + std::to_string(::getpid()));
};

TEST_F(mapped_file_test, ShowsTheBytes) {
  const std::string content = std::string("a\0b", 3) + std::string(10000, 'x');
  write(content);
  mapped_file file(path);
  EXPECT_EQ(text(file), content);
  const mapped_file moved = std::move(file);
  EXPECT_EQ(text(moved), content);
}

TEST_F(mapped_file_test, AnEmptyFileHasNoBytes) {
  write("");
  EXPECT_TRUE(mapped_file(path).bytes().empty());
}

TEST_F(mapped_file_test, NamesWhatCannotBeMapped) {
  try {
    const mapped_file file(path);
    FAIL() << "mapped a file that does not exist";
  } catch (const data_error& e) {
    EXPECT_EQ(e.file(), path.string());
  }
  EXPECT_THROW(mapped_file{fs::temp_directory_path()}, data_error);
}

}  // namespace
}  // namespace prefopt

#endif
