#include <prefopt/core/atomic_file.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include <prefopt/core/error.hpp>

namespace prefopt {
namespace {

namespace fs = std::filesystem;

class atomic_file_test : public testing::Test {
 protected:
  void SetUp() override {
    folder = fs::temp_directory_path() / ("prefopt-atomic-file-" + std::to_string(::getpid()));
    fs::remove_all(folder);
    fs::create_directory(folder);
  }
  void TearDown() override { fs::remove_all(folder); }

  static std::string content(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  [[nodiscard]] std::ptrdiff_t entries() const {
    return std::distance(fs::directory_iterator(folder), fs::directory_iterator());
  }

  fs::path folder;
};

TEST_F(atomic_file_test, AppearsAtCommit) {
  const fs::path path = folder / "a.txt";
  atomic_file file(path);
  file.stream() << "one " << 2;
  file.write(std::string_view("\0three", 6));
  EXPECT_FALSE(fs::exists(path));
  file.commit();
  EXPECT_EQ(content(path), std::string("one 2\0three", 11));
  EXPECT_EQ(entries(), 1);
}

TEST_F(atomic_file_test, KeepsTheOldFileWithoutCommit) {
  const fs::path path = folder / "a.txt";
  write_file_atomically(path, "old");
  {
    atomic_file file(path);
    file.write("new, unfinished");
  }
  EXPECT_EQ(content(path), "old");
  EXPECT_EQ(entries(), 1);
}

TEST_F(atomic_file_test, ReplacesAndKeepsPermissions) {
  const fs::path path = folder / "a.txt";
  write_file_atomically(path, "old and longer");
  ASSERT_EQ(::chmod(path.c_str(), 0640), 0);
  write_file_atomically(path, "new");
  EXPECT_EQ(content(path), "new");
  EXPECT_EQ(fs::status(path).permissions(), static_cast<fs::perms>(0640));
}

TEST_F(atomic_file_test, FollowsASymbolicLink) {
  write_file_atomically(folder / "real", "old");
  fs::create_symlink("real", folder / "link");
  write_file_atomically(folder / "link", "new");
  EXPECT_TRUE(fs::is_symlink(folder / "link"));
  EXPECT_EQ(content(folder / "real"), "new");
}

TEST_F(atomic_file_test, NamesTheFileThatCannotBeWritten) {
  const fs::path path = folder / "absent" / "a.txt";
  try {
    write_file_atomically(path, "x");
    FAIL() << "wrote into a folder that does not exist";
  } catch (const data_error& e) {
    EXPECT_EQ(e.file(), path.string());
    EXPECT_NE(std::string(e.what()).find("No such file"), std::string::npos) << e.what();
  }
}

TEST_F(atomic_file_test, CannotReplaceAFolder) {
  fs::create_directory(folder / "a");
  EXPECT_THROW(write_file_atomically(folder / "a", "x"), data_error);
  EXPECT_EQ(entries(), 1);
}

TEST_F(atomic_file_test, WritesIntoAPipeAndLeavesItOne) {
  const fs::path pipe = folder / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  std::string read;
  std::thread reader([&] { read = content(pipe); });
  write_file_atomically(pipe, "through");
  reader.join();
  EXPECT_EQ(read, "through");
  EXPECT_TRUE(fs::is_fifo(pipe));
  EXPECT_EQ(entries(), 1);
}

TEST_F(atomic_file_test, WritesToADeviceAndSaysThatItIsFull) {
  // Through links, which a mistake would replace, and not the machine's devices themselves.
  fs::create_symlink("/dev/null", folder / "null");
  write_file_atomically(folder / "null", "gone");
  fs::create_symlink("/dev/full", folder / "full");
  EXPECT_THROW(write_file_atomically(folder / "full", "x"), data_error);
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
  EXPECT_EQ(entries(), 2);
}

TEST_F(atomic_file_test, AFailedStreamLeavesTheOldFile) {
  // A stream that fails on its way is seen at commit.
  const fs::path path = folder / "a.txt";
  write_file_atomically(path, "old");
  {
    atomic_file file(path);
    file.stream() << "new";
    file.stream().setstate(std::ios::failbit);
    EXPECT_THROW(file.commit(), data_error);
  }
  EXPECT_EQ(content(path), "old");
  EXPECT_EQ(entries(), 1);
}

}  // namespace
}  // namespace prefopt
