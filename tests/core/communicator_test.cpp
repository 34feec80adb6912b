#include <prefopt/core/communicator.hpp>

#include <cstddef>
#include <limits>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "support/thread_ranks.hpp"

namespace prefopt {
namespace {

TEST(share_of, shares_are_about_equal_and_make_up_the_whole) {
  for (const std::size_t count : {0U, 1U, 3U, 8U, 101U}) {
    for (const std::size_t size : {1U, 2U, 3U, 7U, 8U}) {
      std::size_t next = 0;
      for (std::size_t r = 0; r < size; ++r) {
        const rank_share share = share_of(count, r, size);
        EXPECT_EQ(share.begin, next);
        EXPECT_GE(share.size(), count / size);
        EXPECT_LE(share.size(), count / size + 1);
        next = share.end;
      }
      EXPECT_EQ(next, count);
    }
  }
}

TEST(communicator, what_one_process_has_is_the_sum) {
  single_process alone;
  const std::vector<double> values{1.5, std::numeric_limits<double>::infinity(), -0.0};
  EXPECT_EQ(gathered(alone, values), values);
  EXPECT_EQ(broadcast_text(alone, "text"), "text");
}

TEST(communicator, what_each_rank_has_reaches_all) {
  for (const std::size_t size : {1U, 2U, 5U}) {
    test::run_ranks(size, [&](test::thread_rank& ranks) {
      const auto mine = static_cast<double>(ranks.rank() + 1);
      const std::vector<double> all = gathered(ranks, std::vector<double>{mine, 0.1 * mine});
      ASSERT_EQ(all.size(), 2 * size);
      for (std::size_t r = 0; r < size; ++r) {
        EXPECT_EQ(all[2 * r], static_cast<double>(r + 1));
        EXPECT_EQ(all[2 * r + 1], 0.1 * static_cast<double>(r + 1));
      }
      EXPECT_EQ(broadcast_value(ranks, ranks.rank() + 7, size - 1), size + 6);
      std::vector<int> list(ranks.rank() + 1, static_cast<int>(ranks.rank()));
      broadcast_array(ranks, list, size - 1);
      EXPECT_EQ(list, std::vector<int>(size, static_cast<int>(size - 1)));
      EXPECT_EQ(broadcast_text(ranks, ranks.rank() == 0 ? "of rank 0" : "x"), "of rank 0");
    });
  }
}

TEST(communicator, two_halves_are_a_sum) {
  for (const std::size_t size : {1U, 2U, 3U}) {
    test::run_ranks(size, [&](test::thread_rank& ranks) {
      std::vector<float> whole(7);
      for (std::size_t i = 0; i < whole.size(); ++i) {
        whole[i] = 0.1F * static_cast<float>(i + 10 * ranks.rank());
      }
      std::vector<float> halves = whole;
      ranks.sum(std::span<float>(whole));
      ranks.sum_shares(halves);
      const rank_share own = own_share(ranks, halves.size());
      for (std::size_t i = own.begin; i < own.end; ++i) EXPECT_EQ(halves[i], whole[i]);
      ranks.gather_shares(halves);
      EXPECT_EQ(halves, whole);
    });
  }
}

TEST(communicator, a_sum_that_is_begun_is_there_when_it_is_finished) {
  for (const std::size_t size : {1U, 2U, 3U}) {
    test::run_ranks(size, [&](test::thread_rank& ranks) {
      std::vector<float> begun(7, 0.5F + static_cast<float>(ranks.rank()));
      std::vector<float> at_once = begun;
      std::vector<float> between{1.0F};
      ranks.begin_sum_shares(begun);
      ranks.sum(std::span<float>(between));
      EXPECT_EQ(between[0], static_cast<float>(size));
      ranks.finish_sums();
      ranks.sum_shares(at_once);
      const rank_share own = own_share(ranks, begun.size());
      for (std::size_t i = own.begin; i < own.end; ++i) EXPECT_EQ(begun[i], at_once[i]);
    });
  }
}

TEST(communicator, a_rank_that_throws_ends_the_others) {
  std::size_t ended = 0;
  try {
    test::run_ranks(3, [&](test::thread_rank& ranks) {
      if (ranks.rank() == 1) throw std::runtime_error("rank 1 has no disk");
      std::vector<double> value{1.0};
      ranks.sum(std::span<double>(value));
      ++ended;
    });
    FAIL() << "nothing was thrown";
  } catch (const std::runtime_error& problem) {
    EXPECT_STREQ(problem.what(), "rank 1 has no disk");
  }
  EXPECT_EQ(ended, 0U);
}

}  // namespace
}  // namespace prefopt
