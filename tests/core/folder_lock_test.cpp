#include <prefopt/core/folder_lock.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include <prefopt/core/error.hpp>

namespace prefopt {
namespace {

namespace fs = std::filesystem;

class folder_lock_test : public testing::Test {
 protected:
  void SetUp() override {
    folder = fs::temp_directory_path() / ("prefopt-lock-" + std::to_string(::getpid()));
    fs::create_directory(folder);
  }
  void TearDown() override { fs::remove_all(folder); }

  fs::path folder;
};

TEST_F(folder_lock_test, a_second_writer_is_refused_by_name_until_the_first_is_gone) {
  {
    const folder_lock first(folder);
    try {
      const folder_lock second(folder);
      FAIL() << "two writers hold one folder";
    } catch (const usage_error& problem) {
      EXPECT_NE(std::string(problem.what()).find(folder.string()), std::string::npos);
    }
  }
  const folder_lock after(folder);
  EXPECT_TRUE(fs::is_empty(folder));
}

TEST_F(folder_lock_test, a_process_that_dies_leaves_no_lock) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const folder_lock held(folder);
    ::_exit(0);  // without the destructor
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  EXPECT_NO_THROW(folder_lock{folder});
}

TEST_F(folder_lock_test, it_moves) {
  folder_lock held;
  held = folder_lock(folder);
  EXPECT_THROW(folder_lock{folder}, usage_error);
  const folder_lock taken = std::move(held);
  EXPECT_THROW(folder_lock{folder}, usage_error);
}

TEST_F(folder_lock_test, a_folder_that_is_not_there_is_an_error_that_names_it) {
  EXPECT_THROW(folder_lock{folder / "missing"}, data_error);
}

}  // namespace
}  // namespace prefopt
