#include <prefopt/data/summarized_posts_file.hpp>

#include <gtest/gtest.h>

#include "support/damage.hpp"
#include "support/data.hpp"
#include "support/temporary_folder.hpp"

namespace prefopt {
namespace {

TEST(summarized_posts_file, PostsAndSummaries) {
  const test::temporary_folder folder;
  const auto path = folder / "posts.json";
  test::write_plainly(path,
                      "{\"subreddit\": \"r\", \"title\": \"t\", \"instruction\": \"long\", "
                      "\"gold_response\": \"short\"}\n"
                      "{\"instruction\": \"l\", \"gold_response\": \"s\"}\n");
  const auto posts = read_summarized_posts(path);
  ASSERT_EQ(posts.size(), 2U);
  EXPECT_EQ(posts[0], (summarized_post{"r", "t", "long", "short"}));
  EXPECT_EQ(posts[1], (summarized_post{"", "", "l", "s"}));
  test::write_plainly(path, "{\"instruction\": \"l\"}\n");
  test::expect_error<data_error>([&] { read_summarized_posts(path); },
                                 "posts.json:1: field 'gold_response'");
}

TEST(summarized_posts_file, TheRealFile) {
  const auto path = test::real_data("summarization/tldr_500_reference_summaries.json");
  PREFOPT_SKIP_WITHOUT(path, "the reference summaries");
  EXPECT_EQ(read_summarized_posts(*path).size(), 500U);
}

}  // namespace
}  // namespace prefopt
