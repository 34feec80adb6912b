#include <prefopt/data/tweets_file.hpp>

#include <algorithm>

#include <gtest/gtest.h>

#include "support/damage.hpp"
#include "support/data.hpp"
#include "support/temporary_folder.hpp"

namespace prefopt {
namespace {

TEST(tweets_file, KindsAndTexts) {
  const test::temporary_folder folder;
  const auto path = folder / "tweets.csv";
  test::write_plainly(path,
                      ",class,tweet\n0,2,nice\n1,0,\"line one\nline two\"\n2,1,\"\"\"x\"\"\"\n");
  const auto tweets = read_tweets(path);
  ASSERT_EQ(tweets.size(), 3U);
  EXPECT_EQ(tweets[0], (tweet{tweet::kind::neither, "nice"}));
  EXPECT_EQ(tweets[1], (tweet{tweet::kind::hate, "line one\nline two"}));
  EXPECT_EQ(tweets[2], (tweet{tweet::kind::offensive, "\"x\""}));
  test::write_plainly(path, ",class,tweet\n0,2,nice\n1,3,x\n");
  test::expect_error<data_error>([&] { read_tweets(path); }, "tweets.csv:3: field 'class'");
  test::write_plainly(path, "class,text\n0,2\n");
  test::expect_error<data_error>([&] { read_tweets(path); }, "field 'tweet'");
}

TEST(tweets_file, TheRealFile) {
  const auto path = test::real_data("toxicity/davidson-labeled_data.csv");
  PREFOPT_SKIP_WITHOUT(path, "Davidson's file");
  const auto tweets = read_tweets(*path);
  EXPECT_EQ(tweets.size(), 24783U);
  EXPECT_EQ(std::count_if(tweets.begin(), tweets.end(),
                          [](const tweet& t) { return t.what == tweet::kind::hate; }),
            1430);  // as the paper's table has it
}

}  // namespace
}  // namespace prefopt
