#include <prefopt/model/find_model.hpp>

#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include <gtest/gtest.h>

#include <prefopt/core/error.hpp>

#include "support/temporary_folder.hpp"

namespace {

namespace fs = std::filesystem;
using prefopt::find_model;

void write(const fs::path& file, const std::string& text = "{}") {
  fs::create_directories(file.parent_path());
  std::ofstream(file) << text;
}

/// The message of the error that `name` gets.
std::string refusal(const std::string& name, const fs::path& cache) {
  try {
    find_model(name, cache);
  } catch (const prefopt::error& problem) {
    return problem.what();
  }
  return "";
}

TEST(FindModel, TakesAPathThatExists) {
  const prefopt::test::temporary_folder folder;
  write(folder.path() / "model" / "config.json");
  EXPECT_EQ(find_model((folder.path() / "model").string(), {}), folder.path() / "model");
  write(folder.path() / "model.gguf");
  EXPECT_EQ(find_model((folder.path() / "model.gguf").string(), {}), folder.path() / "model.gguf");
}

TEST(FindModel, FollowsTheHubsCache) {
  const prefopt::test::temporary_folder folder;
  const fs::path stored = folder.path() / "models--owner--my.model-1";
  write(stored / "refs" / "main", "abc123\n");
  write(stored / "refs" / "old", "def456");
  write(stored / "snapshots" / "abc123" / "config.json");
  write(stored / "snapshots" / "def456" / "weights.Q4_1.gguf");
  EXPECT_EQ(find_model("owner/my.model-1", folder.path()), stored / "snapshots" / "abc123");
  EXPECT_EQ(find_model("owner/my.model-1@main", folder.path()), stored / "snapshots" / "abc123");
  EXPECT_EQ(find_model("owner/my.model-1@abc123", folder.path()), stored / "snapshots" / "abc123");
  EXPECT_EQ(find_model("owner/my.model-1@old", folder.path()),
            stored / "snapshots" / "def456" / "weights.Q4_1.gguf");
  write(folder.path() / "models--gpt2" / "refs" / "main", "1");
  write(folder.path() / "models--gpt2" / "snapshots" / "1" / "config.json");
  EXPECT_EQ(find_model("gpt2", folder.path()), folder.path() / "models--gpt2/snapshots/1");
}

TEST(FindModel, SaysHowToDownloadWhatIsNotThere) {
  const prefopt::test::temporary_folder folder;
  EXPECT_NE(refusal("owner/name", folder.path()).find("hf download owner/name"), std::string::npos);
  EXPECT_NE(refusal("owner/name", folder.path()).find(folder.path().string()), std::string::npos);
  EXPECT_NE(refusal("owner/name@v1", folder.path()).find("hf download owner/name --revision v1"),
            std::string::npos);
  const fs::path snapshot = folder.path() / "models--owner--half" / "snapshots" / "1";
  write(folder.path() / "models--owner--half" / "refs" / "main", "1");
  write(snapshot / "tokenizer.json");
  EXPECT_NE(refusal("owner/half", folder.path()).find("hf download owner/half"), std::string::npos);
  write(snapshot / "a.gguf");
  write(snapshot / "b.gguf");
  EXPECT_NE(refusal("owner/half", folder.path()).find((snapshot / "b.gguf").string()),
            std::string::npos);
}

TEST(FindModel, RefusesWhatIsNoName) {
  const prefopt::test::temporary_folder folder;
  write(folder.path() / "models--a" / "refs" / "main", "../../elsewhere");
  for (const char* name : {"./nowhere", "/nowhere", "a/b/c", "../b", "a/..", "a b", "a@", "a@../b",
                           "a/b@../../x", "-x/y"}) {
    const std::string text = refusal(name, folder.path() / "cache");
    EXPECT_NE(text.find(name), std::string::npos) << name;
    EXPECT_EQ(text.find("hf download"), std::string::npos) << text;
  }
  EXPECT_NE(refusal("a", folder.path()).find("does not name a commit"), std::string::npos);
  EXPECT_THROW(find_model("", {}), prefopt::usage_error);
}

TEST(HuggingFaceCache, IsWhereItsLibrariesHaveIt) {
  std::map<std::string, std::string> variables;
  const auto cache = [&] {
    return prefopt::hugging_face_cache([&](const char* name) {
      const auto found = variables.find(name);
      return found == variables.end() ? std::string() : found->second;
    });
  };
  EXPECT_EQ(cache(), fs::path());
  variables["HOME"] = "/home/a";
  EXPECT_EQ(cache(), "/home/a/.cache/huggingface/hub");
  variables["XDG_CACHE_HOME"] = "/cache";
  EXPECT_EQ(cache(), "/cache/huggingface/hub");
  variables["HF_HOME"] = "~/hf";
  EXPECT_EQ(cache(), "/home/a/hf/hub");
  variables["HUGGINGFACE_HUB_CACHE"] = "/older";
  EXPECT_EQ(cache(), "/older");
  variables["HF_HUB_CACHE"] = "/hub";
  EXPECT_EQ(cache(), "/hub");
}

}  // namespace
