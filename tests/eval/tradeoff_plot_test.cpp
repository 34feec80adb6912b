#include <prefopt/eval/tradeoff_plot.hpp>

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <prefopt/core/error.hpp>

#include "support/temporary_folder.hpp"

namespace prefopt {
namespace {

std::string content(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

const std::vector<evaluated_run> runs{
    {"o'dpo", "b", {2.0, 1.5, 2.5, 4}, {0.75, 0.7, 0.8, 4}},
    {"o'dpo", "a, \"x\"", {1.0, 0.5, 1.5, 4}, {0.5, 0.4, 0.6, 4}},
    {"dpo", "c", {3.0, 2.5, 3.5, 4}, {0.625, 0.6, 0.7, 4}},
};

TEST(draw_tradeoff, WritesEveryNumberAndTheFronts) {
  const test::temporary_folder folder;
  const auto result = draw_tradeoff(folder / "t", runs, {.title = "a 'title'"});
  const std::string csv = content(result.csv);
  EXPECT_NE(csv.find("\r\n0,1,0.5,1.5,0.5,0.40000000000000002,0.59999999999999998,1,1,o'dpo,"
                     "\"a, \"\"x\"\"\"\r\n0,2,"),
            std::string::npos)
      << csv;
  EXPECT_NE(csv.find(",1,0,dpo,c\r\n"), std::string::npos) << csv;  // its own front, not the joint
  EXPECT_NE(content(result.script).find("title 'o''dpo'"), std::string::npos);
  if (!result.png) GTEST_SKIP() << "SKIPPED: gnuplot is not on this machine: " << result.note;
  EXPECT_NE(content(*result.svg).find("o'dpo"), std::string::npos);
  EXPECT_NE(content(*result.svg).find("nats a response"), std::string::npos);
}

TEST(draw_tradeoff, LogarithmicWhereKlSpansDecades) {
  const test::temporary_folder folder;
  auto wide = runs;
  EXPECT_EQ(content(draw_tradeoff(folder / "t", wide).script).find("logscale"), std::string::npos);
  wide[2].kl = {200.0, 150.0, 250.0, 4};
  EXPECT_NE(content(draw_tradeoff(folder / "t", wide).script).find("logscale"), std::string::npos);
  wide[1].kl = {0.0, 0.0, 0.0, 4};  // a run that did not move has no place on such an axis
  EXPECT_EQ(content(draw_tradeoff(folder / "t", wide).script).find("logscale"), std::string::npos);
}

TEST(draw_tradeoff, ACostHasItsFrontAtTheLowEnd) {
  const test::temporary_folder folder;
  const auto csv = content(draw_tradeoff(folder / "t", runs, {.lower_is_better = true}).csv);
  EXPECT_NE(csv.find(",1,1,o'dpo,\"a, \"\"x"), std::string::npos)
      << csv;  // least KL and least cost
  EXPECT_NE(csv.find(",0,0,o'dpo,b\r\n"), std::string::npos) << csv;
  EXPECT_NE(csv.find(",0.75,"), std::string::npos) << csv;  // as it is, not negated
}

TEST(draw_tradeoff, NeedsRuns) {
  const test::temporary_folder folder;
  EXPECT_THROW(draw_tradeoff(folder / "t", {}), usage_error);
}

}  // namespace
}  // namespace prefopt
