#include <prefopt/core/stale_temporaries.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include <prefopt/core/atomic_file.hpp>
#include <prefopt/core/atomic_folder.hpp>

namespace prefopt {
namespace {

namespace fs = std::filesystem;

class stale_temporaries_test : public testing::Test {
 protected:
  void SetUp() override {
    folder = fs::temp_directory_path() / ("prefopt-stale-" + std::to_string(::getpid()));
    fs::remove_all(folder);
    fs::create_directory(folder);
  }
  void TearDown() override { fs::remove_all(folder); }

  [[nodiscard]] std::set<std::string> names() const {
    std::set<std::string> list;
    for (const auto& entry : fs::directory_iterator(folder)) {
      list.insert(entry.path().filename().string());
    }
    return list;
  }
  void touch(const std::string& name) const { std::ofstream(folder / name) << "text"; }

  /// Runs `work` in a process that is then killed; its number, which no process has any more.
  template <class Work>
  static pid_t killed(const Work& work) {
    const pid_t child = ::fork();
    if (child == 0) {
      work();
      std::raise(SIGKILL);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return child;
  }

  fs::path folder;
};

TEST_F(stale_temporaries_test, RemovesWhatAKilledProcessLeft) {
  write_file_atomically(folder / "a.txt", "old");
  killed([&] {
    atomic_file file(folder / "a.txt");
    file.write("new");
    file.stream().flush();
    atomic_folder other(folder / "b");
    std::ofstream(other.path() / "inside") << "text";
    std::raise(SIGKILL);
  });
  ASSERT_EQ(names().size(), 3U);
  EXPECT_EQ(remove_stale_temporaries(folder), 2U);
  EXPECT_EQ(names(), (std::set<std::string>{"a.txt"}));
  EXPECT_EQ(remove_stale_temporaries(folder), 0U);
}

TEST_F(stale_temporaries_test, LeavesWhatALivingProcessWrites) {
  atomic_file file(folder / "a.txt");
  touch("b.tmp-1-0");  // the first process, which may belong to somebody else
  EXPECT_EQ(remove_stale_temporaries(folder), 0U);
  file.write("new");
  file.commit();
  EXPECT_EQ(names(), (std::set<std::string>{"a.txt", "b.tmp-1-0"}));
}

TEST_F(stale_temporaries_test, LeavesTheOnlyCopyOfAFolder) {
  const std::string end = ".old-" + std::to_string(killed([] {})) + "-3";
  fs::create_directory(folder / ("here" + end));
  fs::create_directory(folder / "here");
  fs::create_directory(folder / ("gone" + end));
  EXPECT_EQ(remove_stale_temporaries(folder), 1U);
  EXPECT_EQ(names(), (std::set<std::string>{"here", "gone" + end}));
}

TEST_F(stale_temporaries_test, LeavesOtherNames) {
  const std::string dead = std::to_string(killed([] {}));
  std::set<std::string> others;
  for (const char* name : {"a.tmp", "a.tmp-", "a.tmp-5x-1", "a.tmp--5-1", "a.tmp-0-1",
                           "a.tmp-99999999999999-1", "a.tmpx-1-1", "tmp-1-1"}) {
    others.insert(name);
  }
  others.insert({"a.tmp-" + dead, "a.tmp-" + dead + "-", "a.tmp-" + dead + "-1x",
                 ".tmp-" + dead + "-1", "a.bak-" + dead + "-1", "a.tmp-" + dead + "-1.txt"});
  for (const std::string& name : others) touch(name);
  EXPECT_EQ(remove_stale_temporaries(folder), 0U);
  EXPECT_EQ(names(), others);
}

TEST_F(stale_temporaries_test, PassesOverAFolderThatIsNotThere) {
  EXPECT_EQ(remove_stale_temporaries(folder / "none"), 0U);
}

}  // namespace
}  // namespace prefopt
