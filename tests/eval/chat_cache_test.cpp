#include <prefopt/eval/chat_cache.hpp>

#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "support/damage.hpp"
#include "support/temporary_folder.hpp"

namespace prefopt {
namespace {

chat_answer answer(const std::string& text) {
  return {.text = text, .refusal = "", .finish_reason = "stop"};
}

class chat_cache_files : public testing::Test {
 protected:
  test::temporary_folder folder_;
  std::filesystem::path path_ = folder_ / "answers.jsonl";
};

TEST_F(chat_cache_files, WhatIsKeptIsFoundAgain) {
  const std::string key = chat_cache::key("request", 0);
  EXPECT_NE(key, chat_cache::key("request", 1));
  EXPECT_NE(key, chat_cache::key("other", 0));
  {
    chat_cache cache(path_);
    EXPECT_FALSE(cache.find(key));
    cache.add(key, {"Preferred: A\n\"\xFF", "r", "stop", 11, 2});
    ASSERT_TRUE(cache.find(key));
  }
  const chat_cache cache(path_);
  const auto found = cache.find(key);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->text, "Preferred: A\n\"\xEF\xBF\xBD");  // JSON has no place for other bytes
  EXPECT_EQ(found->refusal, "r");
  EXPECT_EQ(found->finish_reason, "stop");
  EXPECT_EQ(found->prompt_tokens, 11U);
  EXPECT_EQ(found->completion_tokens, 2U);
}

TEST_F(chat_cache_files, AnyTornEndIsCutOff) {
  {
    chat_cache cache(path_);
    cache.add(chat_cache::key("a", 0), answer("first"));
    cache.add(chat_cache::key("b", 0), answer("second"));
  }
  const std::string whole = test::file_bytes(path_);
  const std::size_t one = whole.find('\n') + 1;
  for (std::size_t size = 0; size <= whole.size(); size += size + 1 < whole.size() ? 7 : 1) {
    test::write_plainly(path_, whole.substr(0, size));
    {
      chat_cache cache(path_);
      EXPECT_EQ(cache.size(), size == whole.size() ? 2U : size >= one ? 1U : 0U) << size;
      cache.add(chat_cache::key("c", 0), answer("third"));
    }
    EXPECT_TRUE(chat_cache(path_).find(chat_cache::key("c", 0))) << size;
  }
}

TEST_F(chat_cache_files, WhatIsNoneIsRefused) {
  test::write_plainly(path_, "{\"key\": \"x\"}\n");
  test::expect_error<data_error>([&] { chat_cache{path_}; }, "answers.jsonl:1: field 'key'");
  test::write_plainly(path_, "\n");
  test::expect_error<data_error>([&] { chat_cache{path_}; }, "answers.jsonl:1");
  test::expect_error<data_error>([&] { chat_cache{folder_ / "none" / "a"}; }, "cannot be opened");
}

TEST_F(chat_cache_files, OneOwnerAtATime) {
  const chat_cache first(path_);
  test::expect_error<usage_error>([&] { chat_cache{path_}; }, "in use by another");
}

TEST_F(chat_cache_files, SeveralThreads) {
  {
    chat_cache cache(path_);
    std::vector<std::thread> threads;
    for (std::size_t t = 0; t < 4; ++t) {
      threads.emplace_back([&, t] {
        for (std::size_t i = 0; i < 10; ++i)
          cache.add(chat_cache::key("t", 10 * t + i), answer("x"));
      });
    }
    for (auto& thread : threads) thread.join();
  }
  EXPECT_EQ(chat_cache(path_).size(), 40U);
}

TEST(chat_cache, WithoutAFile) {
  chat_cache cache{std::filesystem::path()};
  cache.add(chat_cache::key("a", 0), answer("x"));
  EXPECT_TRUE(cache.find(chat_cache::key("a", 0)));
}

}  // namespace
}  // namespace prefopt
