#include <prefopt/core/local_rank.hpp>

#include <cstddef>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "support/thread_ranks.hpp"

namespace prefopt {
namespace {

TEST(local_rank, counts_on_each_machine) {
  const std::vector<std::string> machines{"a", "b", "a", "abc", "b", "a"};
  const std::vector<std::size_t> expected{0, 0, 1, 0, 1, 2};
  test::run_ranks(machines.size(), [&](test::thread_rank& ranks) {
    EXPECT_EQ(local_rank(ranks, machines[ranks.rank()]), expected[ranks.rank()]);
  });
}

TEST(local_rank, of_threads_is_their_rank) {
  EXPECT_FALSE(host_name().empty());
  test::run_ranks(3, [](test::thread_rank& ranks) { EXPECT_EQ(local_rank(ranks), ranks.rank()); });
}

}  // namespace
}  // namespace prefopt
