#include <prefopt/model/ordered_parameters.hpp>

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <prefopt/core/error.hpp>

namespace prefopt {
namespace {

const std::vector<parameter_layout> layout = {{"a", {2, 3}}, {"b", {4}, false}};

struct arrays {
  std::vector<float> six = std::vector<float>(6);
  std::vector<float> four = std::vector<float>(4);
  parameter a{"a", {2, 3}, six, {}, true};
  parameter b{"b", {4}, four, {}, false};
};

std::string problem(const std::vector<parameter>& parameters) {
  try {
    (void)ordered_parameters(layout, parameters);
  } catch (const usage_error& found) {
    return found.what();
  }
  return "";
}

TEST(ordered_parameters, are_in_the_order_of_the_layout) {
  arrays from;
  const std::vector<parameter> parameters = {from.b, from.a};
  const auto ordered = ordered_parameters(layout, parameters);
  ASSERT_EQ(ordered.size(), 2U);
  EXPECT_EQ(ordered[0], &parameters[1]);
  EXPECT_EQ(ordered[1], &parameters[0]);
}

TEST(ordered_parameters, name_what_is_not_there) {
  arrays from;
  EXPECT_THAT(problem({from.a}), testing::HasSubstr("'a'"));  // one of two
  EXPECT_THAT(problem({from.a, {"c", {4}, from.four, {}, false}}), testing::HasSubstr("'b' (4)"));
  EXPECT_THAT(problem({from.a, {"b", {3}, std::span(from.four).first(3), {}, false}}),
              testing::HasSubstr("'b' (4)"));
  EXPECT_THAT(problem({{"a", {3, 2}, from.six, {}, true}, from.b}),
              testing::HasSubstr("'a' (2, 3)"));
  EXPECT_THAT(problem({from.a, from.b, from.b}), testing::HasSubstr("among 2"));
}

}  // namespace
}  // namespace prefopt
