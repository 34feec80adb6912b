#include <prefopt/text/added_token_finder.hpp>

#include <gtest/gtest.h>

namespace prefopt {
namespace {

TEST(added_token_finder, the_leftmost_and_then_the_longest) {
  const added_token_finder finder(
      {{1, "<a", true}, {2, "<a>", true}, {3, "good", false}, {4, "", true}});
  const auto id = [&](std::string_view text, bool special = true) {
    const auto found = finder.find(text, 0, special);
    return found.token == nullptr ? -1 : found.token->id;
  };
  EXPECT_EQ(id("x<a>good"), 2);
  EXPECT_EQ(id("x<a"), 1);
  EXPECT_EQ(id("x<a>good", false), 3);
  EXPECT_EQ(id("goo"), -1);
  EXPECT_EQ(id(""), -1);
  EXPECT_EQ(finder.find("good good", 1, true).place, 5U);
  EXPECT_EQ(finder.find("none", 0, true).place, 4U);
}

}  // namespace
}  // namespace prefopt
