#include <prefopt/eval/rouge.hpp>

#include <fstream>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "support/data.hpp"

namespace prefopt {
namespace {

TEST(rouge, AsGooglesImplementationHasIt) {
  std::ifstream file(test::golden("eval/rouge.json"));
  const auto rows = nlohmann::json::parse(file);
  ASSERT_GT(rows.size(), 40U);
  for (const auto& row : rows) {
    const auto text = row["text"].get<std::string>();
    const auto score = rouge_l(text, row["reference"].get<std::string>());
    EXPECT_NEAR(score.precision, row["precision"].get<double>(), 1e-12) << text;
    EXPECT_NEAR(score.recall, row["recall"].get<double>(), 1e-12) << text;
    EXPECT_NEAR(score.f, row["f"].get<double>(), 1e-12) << text;
  }
}

TEST(rouge, ByHand) {
  // "a x c" against "a b c d": a, c in common, of three words and of four.
  const auto score = rouge_l("a x c", "A, b. C d");
  EXPECT_DOUBLE_EQ(score.precision, 2.0 / 3.0);
  EXPECT_DOUBLE_EQ(score.recall, 2.0 / 4.0);
  EXPECT_DOUBLE_EQ(score.f, 4.0 / 7.0);
}

}  // namespace
}  // namespace prefopt
