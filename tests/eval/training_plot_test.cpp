#include <prefopt/eval/training_plot.hpp>

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <prefopt/core/error.hpp>

#include "support/temporary_folder.hpp"

namespace prefopt {
namespace {

TEST(read_training_curve, NumbersOfEachStep) {
  const test::temporary_folder folder;
  std::ofstream(folder / "m.jsonl") << "{\"step\":1,\"loss\":0.5,\"rewards/margins\":null}\n"
                                       "{\"step\":2,\"loss\":0.25}\n{\"step\":3,\"lo";
  const auto curve = read_training_curve(folder / "m.jsonl", "dpo");
  ASSERT_EQ(curve.points.size(), 2U);
  EXPECT_EQ(curve.points[0].metrics.size(), 1U);
  EXPECT_EQ(curve.points[1].step, 2.0);
  EXPECT_EQ(curve.points[1].metrics.at("loss"), 0.25);
}

TEST(read_training_curve, DamageNamesTheLine) {
  const test::temporary_folder folder;
  std::ofstream(folder / "m.jsonl") << "{\"step\":1}\n{\"loss\":1}\n";
  try {
    read_training_curve(folder / "m.jsonl", "dpo");
    FAIL();
  } catch (const data_error& problem) {
    EXPECT_EQ(problem.line(), 2U);
    EXPECT_EQ(problem.field(), "step");
  }
  std::ofstream(folder / "m.jsonl") << "nonsense\n";
  EXPECT_THROW(read_training_curve(folder / "m.jsonl", "dpo"), data_error);
  EXPECT_THROW(read_training_curve(folder / "none", "dpo"), data_error);
}

TEST(draw_training, LeavesOutWhatNoRunHas) {
  const test::temporary_folder folder;
  const std::vector<training_curve> curves{
      {"dpo", {{1.0, {{"loss", 0.7}}}, {2.0, {{"loss", 0.5}, {"rewards/margins", 0.1}}}}},
      {"o'dpo", {{1.0, {{"loss", 0.6}}}, {2.0, {{"loss", 0.4}}}}}};
  const auto result = draw_training(folder / "t", curves);
  std::ifstream in(result.script);
  const std::string script(std::istreambuf_iterator<char>(in), {});
  EXPECT_NE(script.find("layout 2,1"), std::string::npos);
  EXPECT_EQ(script.find("'accuracy'"), std::string::npos);
  EXPECT_NE(script.find("'o''dpo'"), std::string::npos);
  EXPECT_THROW(draw_training(folder / "t", {}), usage_error);
  if (!result.png) GTEST_SKIP() << "SKIPPED: gnuplot is not on this machine: " << result.note;
  EXPECT_GT(std::filesystem::file_size(*result.png), 1000U);
}

}  // namespace
}  // namespace prefopt
