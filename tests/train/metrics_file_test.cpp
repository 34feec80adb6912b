#include <prefopt/train/metrics_file.hpp>

#include <fstream>
#include <limits>

#include <gtest/gtest.h>

#include "support/temporary_folder.hpp"
#include "train/small_data.hpp"

namespace prefopt {
namespace {

TEST(metrics_file, writes_a_line_a_step) {
  const test::temporary_folder folder;
  metrics_file(folder / "m.jsonl", 0).write(1, 0.5, {{"loss", 0.25}, {"rewards/margins", -1.0}});
  EXPECT_EQ(test::content_of(folder / "m.jsonl"),
            "{\"step\":1,\"epoch\":0.5,\"loss\":0.25,\"rewards/margins\":-1.0}\n");
}

TEST(metrics_file, cuts_what_lies_beyond_the_checkpoint_and_torn_lines) {
  const test::temporary_folder folder;
  {
    metrics_file file(folder / "m.jsonl", 0);
    for (std::size_t step = 1; step <= 5; ++step) file.write(step, 0.0, {{"loss", 1.0}});
  }
  std::ofstream(folder / "m.jsonl", std::ios::app) << "{\"step\":6,\"lo";
  metrics_file(folder / "m.jsonl", 3).write(4, 0.0, {{"loss", 2.0}});
  const auto lines = test::lines_of(folder / "m.jsonl");
  ASSERT_EQ(lines.size(), 4U);
  EXPECT_EQ(lines[2], "{\"step\":3,\"epoch\":0.0,\"loss\":1.0}");
  EXPECT_EQ(lines[3], "{\"step\":4,\"epoch\":0.0,\"loss\":2.0}");
}

TEST(metrics_file, writes_null_for_what_is_not_finite) {
  const test::temporary_folder folder;
  metrics_file(folder / "m.jsonl", 0)
      .write(1, 0.0, {{"loss", std::numeric_limits<double>::quiet_NaN()}});
  EXPECT_EQ(test::content_of(folder / "m.jsonl"), "{\"step\":1,\"epoch\":0.0,\"loss\":null}\n");
}

TEST(metrics_file, says_where_it_cannot_write) {
  EXPECT_THROW(metrics_file("/nowhere/at/all.jsonl", 0), data_error);
}

}  // namespace
}  // namespace prefopt
