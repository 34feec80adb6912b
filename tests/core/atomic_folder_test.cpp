#include <prefopt/core/atomic_folder.hpp>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include <gtest/gtest.h>

#include <prefopt/core/error.hpp>

#include "support/temporary_folder.hpp"

namespace prefopt {
namespace {

namespace fs = std::filesystem;

void write(const fs::path& path, const std::string& text) {
  std::ofstream(path) << text;
}

std::ptrdiff_t entries(const fs::path& folder) {
  return std::distance(fs::directory_iterator(folder), fs::directory_iterator());
}

TEST(atomic_folder, AppearsAtCommit) {
  const test::temporary_folder outer;
  const fs::path target = outer / "run";
  atomic_folder folder(target.string() + "/");
  write(folder.path() / "a", "1");
  fs::create_directory(folder.path() / "sub");
  write(folder.path() / "sub" / "b", "2");
  EXPECT_FALSE(fs::exists(target));
  folder.commit();
  EXPECT_TRUE(fs::exists(target / "a"));
  EXPECT_TRUE(fs::exists(target / "sub" / "b"));
  EXPECT_EQ(entries(outer.path()), 1);
}

TEST(atomic_folder, ReplacesTheOldOneWhole) {
  const test::temporary_folder outer;
  const fs::path target = outer / "run";
  fs::create_directory(target);
  write(target / "old", "1");
  {
    atomic_folder discarded(target);
    write(discarded.path() / "new", "2");
  }
  EXPECT_TRUE(fs::exists(target / "old"));
  EXPECT_EQ(entries(outer.path()), 1);
  atomic_folder folder(target);
  write(folder.path() / "new", "2");
  folder.commit();
  EXPECT_FALSE(fs::exists(target / "old"));
  EXPECT_TRUE(fs::exists(target / "new"));
  EXPECT_EQ(entries(outer.path()), 1);
}

TEST(atomic_folder, FollowsASymbolicLink) {
  const test::temporary_folder outer;
  fs::create_directory(outer / "real");
  fs::create_directory_symlink("real", outer / "link");
  atomic_folder folder(outer / "link");
  write(folder.path() / "new", "2");
  folder.commit();
  EXPECT_TRUE(fs::is_symlink(outer / "link"));
  EXPECT_TRUE(fs::exists(outer / "real" / "new"));
}

TEST(atomic_folder, RefusesWhatCannotBeReplaced) {
  const test::temporary_folder outer;
  write(outer / "file", "1");
  EXPECT_THROW(atomic_folder(outer / "file"), data_error);
  EXPECT_THROW(atomic_folder(outer / "absent/run"), data_error);
  EXPECT_EQ(entries(outer.path()), 1);
}

}  // namespace
}  // namespace prefopt
