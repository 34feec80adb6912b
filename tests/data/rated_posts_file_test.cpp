#include <prefopt/data/rated_posts_file.hpp>

#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "support/damage.hpp"
#include "support/data.hpp"
#include "support/temporary_folder.hpp"

namespace prefopt {
namespace {

class rated_posts : public testing::Test {
 protected:
  std::vector<scored_response> read(const std::string& bytes) {
    test::write_plainly(path_, bytes);
    return read_rated_posts(path_);
  }
  void refused(const std::string& bytes, const std::string& words) {
    test::expect_error<data_error>([&] { read(bytes); }, words);
  }
  test::temporary_folder folder_;
  std::filesystem::path path_ = folder_ / "posts.json";
};

TEST_F(rated_posts, in_the_files_order) {
  const auto all = read(
      "{\"z\": {\"responses\": [\"one\", \"two\"], \"rewards\": [1, 7.5]},\n"
      " \"a\": {\"rewards\": [2], \"responses\": [\"three\"]}, \"e\": {\"responses\": [], "
      "\"rewards\": []}}");
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[0].prompt, "z");
  EXPECT_EQ(all[1].text, "two");
  EXPECT_EQ(all[1].score, 7.5);
  EXPECT_EQ(all[2].prompt, "a");
  EXPECT_EQ(all[2].text, "three");
}

TEST_F(rated_posts, what_is_refused) {
  refused("[]", "posts.json: expected one JSON object");
  refused("{", "posts.json: is not JSON");
  refused("", "posts.json: is not JSON");
  refused("{\"p\": []}", "field 'post 1': expected an object");
  refused("{\"p\": {\"responses\": []}}", "field 'post 1.rewards': expected a list");
  refused("{\"p\": {\"responses\": [\"a\"], \"rewards\": [1, 2]}}", "1 responses, but 2 rewards");
  refused("{\"p\": {\"responses\": [\"a\", 3], \"rewards\": [1, 2]}}", "'post 1.responses[1]'");
  refused("{\"p\": {\"responses\": [\"a\"], \"rewards\": [null]}}", "'post 1.rewards[0]'");
  refused("{\"p\": {\"responses\": [], \"rewards\": []}, \"p\": {}}",
          "'post 2': stands there twice");
}

TEST_F(rated_posts, what_is_written_is_read_back) {
  const std::vector<scored_response> all{
      {"q", "a", 1.0, {}}, {"p", "b", 2.0, {}}, {"q", "c", 3.0, {}}};
  write_rated_posts(folder_ / "a.json.xz", all);
  const auto back = read_rated_posts(folder_ / "a.json.xz");
  ASSERT_EQ(back.size(), 3U);
  EXPECT_EQ(back[0].text, "a");
  EXPECT_EQ(back[1].text, "c");
  EXPECT_EQ(back[1].score, 3.0);
  EXPECT_EQ(back[2].prompt, "p");
  test::expect_error<data_error>(
      [&] {
        write_rated_posts(path_, std::vector<scored_response>{scored_response{"q", "u", NAN, {}}});
      },
      "response 1");
}

TEST_F(rated_posts, damage_is_an_error_or_does_no_harm) {
  write_rated_posts(path_, std::vector<scored_response>{{"q", "a", 1.0, {}}, {"p", "b", 2.0, {}}});
  const auto outcome = test::try_damaged(test::file_bytes(path_), 1000,
                                         [&](const std::string& bytes) { read(bytes); });
  EXPECT_GT(outcome.refused, 500);
}

TEST_F(rated_posts, the_authors_file) {
  const auto file = test::real_data("summarization/tldr-sft-train-rel.json");
  PREFOPT_SKIP_WITHOUT(file, "the authors' rated summaries");
  EXPECT_EQ(read_rated_posts(*file).size(), 4110U);
}

}  // namespace
}  // namespace prefopt
