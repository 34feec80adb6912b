#include <prefopt/data/reviews_file.hpp>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "support/damage.hpp"
#include "support/data.hpp"
#include "support/temporary_folder.hpp"

namespace prefopt {
namespace {

const std::string header = "split\tlabel\tstars\tid\ttext\n";

class reviews : public testing::Test {
 protected:
  std::vector<review> read(const std::string& bytes) {
    test::write_plainly(path_, bytes);
    return read_reviews(path_);
  }
  void refused(const std::string& bytes, const std::string& words) {
    test::expect_error<data_error>([&] { read(bytes); }, words);
  }
  test::temporary_folder folder_;
  std::filesystem::path path_ = folder_ / "reviews.tsv";
};

TEST_F(reviews, rows) {
  const auto all =
      read(header + "test\t1\t10\t0\t\"Fine\" <br /><br />film\r\ntrain\t0\t1\t12\t\n");
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0], (review{"test", true, 10, 0, "\"Fine\" <br /><br />film"}));
  EXPECT_EQ(all[1], (review{"train", false, 1, 12, ""}));
}

TEST_F(reviews, what_is_refused) {
  refused("", "tsv:1: expected the header");
  refused("split\tstars\tlabel\tid\ttext\n", "tsv:1: expected the header");
  refused(header + "test\t1\t10\t0\n", "tsv:2: expected five fields");
  refused(header + "test\t1\t10\t0\ta\tb\n", "tsv:2: expected five fields");
  refused(header + "test\t2\t10\t0\ta\n", "tsv:2: field 'label': expected a number from 0 to 1");
  refused(header + "test\t1\t11\t0\ta\n", "field 'stars'");
  refused(header + "test\t1\t\t0\ta\n", "field 'stars'");
  refused(header + "test\t1\t5x\t0\ta\n", "field 'stars'");
  refused(header + "test\t1\t5\t-1\ta\n", "field 'id'");
  refused(header + "\t1\t5\t1\ta\n", "field 'split'");
}

TEST_F(reviews, line_breaks) {
  EXPECT_EQ(with_line_breaks("a<br /><br />b<br>c<br />"), "a\n\nb<br>c\n");
  EXPECT_EQ(with_line_breaks(""), "");
}

TEST_F(reviews, what_is_written_is_read_back) {
  const std::vector<review> all{{"test", true, 8, 5, "good"}, {"train", false, 2, 6, "\xC3\xA9"}};
  write_reviews(folder_ / "a.tsv.gz", all);
  EXPECT_EQ(read_reviews(folder_ / "a.tsv.gz"), all);
  test::expect_error<data_error>(
      [&] {
        write_reviews(path_, std::vector<review>{{"test", true, 8, 5, "a\tb"}});
      },
      "tsv:2: field 'text'");
}

TEST_F(reviews, damage_is_an_error_or_does_no_harm) {
  write_reviews(path_, std::vector<review>(5, {"test", true, 8, 5, "good"}));
  const auto outcome = test::try_damaged(test::file_bytes(path_), 1000,
                                         [&](const std::string& bytes) { read(bytes); });
  EXPECT_GT(outcome.refused, 300);
}

TEST_F(reviews, all_of_imdb) {
  for (const std::string split : {"train", "test"}) {
    const auto file = test::real_data("sentiment/imdb_" + split + "_25000.tsv.xz");
    PREFOPT_SKIP_WITHOUT(file, "the Large Movie Review Dataset");
    const auto all = read_reviews(*file);
    EXPECT_EQ(all.size(), 25000U);
    EXPECT_EQ(std::count_if(all.begin(), all.end(), [](const review& r) { return r.positive; }),
              12500);
    for (const auto& each : all) {
      ASSERT_EQ(each.split, split);
      ASSERT_EQ(each.positive, each.stars > 5);
    }
  }
}

}  // namespace
}  // namespace prefopt
