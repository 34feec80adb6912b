#include <prefopt/data/token.hpp>

#include <limits>
#include <type_traits>

#include <gtest/gtest.h>

namespace prefopt {
namespace {

// Files and kernels hold tokens as 32-bit signed integers.
static_assert(std::is_same_v<token_id, std::int32_t>);

TEST(token, a_sequence_holds_the_largest_id) {
  const token_sequence tokens{0, std::numeric_limits<token_id>::max()};
  EXPECT_EQ(tokens.back(), 2147483647);
}

}  // namespace
}  // namespace prefopt
