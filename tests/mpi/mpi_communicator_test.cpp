#include <prefopt/core/mpi_communicator.hpp>

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace prefopt {
namespace {

mpi_communicator* ranks = nullptr;  // main's

/// Numbers whose sum depends on the order in which they are added.
template <class Real>
std::vector<Real> numbers_of(std::size_t rank, std::size_t count) {
  std::vector<Real> values(count);
  for (std::size_t i = 0; i < count; ++i) {
    values[i] = static_cast<Real>(i % 1000 + 1) / static_cast<Real>(7 * rank + 3);
  }
  return values;
}

template <class Real>
std::vector<Real> expected_sum(std::size_t count) {
  std::vector<Real> sum = numbers_of<Real>(0, count);
  for (std::size_t r = 1; r < ranks->size(); ++r) {
    const auto more = numbers_of<Real>(r, count);
    for (std::size_t i = 0; i < count; ++i) sum[i] += more[i];
  }
  return sum;
}

template <class Real>
void expect_sums() {
  // Fewer than ranks, some, and more than one round moves.
  for (const std::size_t count : {std::size_t{0}, std::size_t{1}, std::size_t{3}, std::size_t{1000},
                                  (std::size_t{1} << 22U) + 5}) {
    auto values = numbers_of<Real>(ranks->rank(), count);
    ranks->sum(std::span<Real>(values));
    EXPECT_EQ(values, expected_sum<Real>(count)) << count;
  }
}

TEST(mpi_communicator, adds_in_the_order_of_ranks) {
  expect_sums<float>();
  expect_sums<double>();
}

TEST(mpi_communicator, adds_shares_and_gathers_them) {
  const std::size_t count = 1003;
  auto values = numbers_of<float>(ranks->rank(), count);
  const auto expected = expected_sum<float>(count);
  ranks->sum_shares(values);
  const rank_share own = own_share(*ranks, count);
  for (std::size_t i = own.begin; i < own.end; ++i) EXPECT_EQ(values[i], expected[i]);
  ranks->gather_shares(values);
  EXPECT_EQ(values, expected);
}

TEST(mpi_communicator, adds_while_something_else_happens) {
  // The last is more than may be begun, and is added at once.
  std::vector<std::vector<float>> arrays;
  for (const std::size_t count :
       {std::size_t{3}, std::size_t{0}, std::size_t{100003}, (std::size_t{1} << 25U) + 1}) {
    arrays.push_back(numbers_of<float>(ranks->rank(), count));
  }
  for (auto& array : arrays) ranks->begin_sum_shares(array);
  std::vector<double> between{1.0};
  ranks->sum(std::span<double>(between));
  EXPECT_EQ(between[0], static_cast<double>(ranks->size()));
  ranks->finish_sums();
  for (const auto& array : arrays) {
    const auto expected = expected_sum<float>(array.size());
    const rank_share own = own_share(*ranks, array.size());
    for (std::size_t i = own.begin; i < own.end; ++i) ASSERT_EQ(array[i], expected[i]) << i;
  }
  ranks->finish_sums();  // there is nothing left
}

TEST(mpi_communicator, what_one_rank_has_reaches_all) {
  for (std::size_t root = 0; root < ranks->size(); ++root) {
    EXPECT_EQ(broadcast_value(*ranks, ranks->rank(), root), root);
    EXPECT_EQ(broadcast_text(*ranks, std::string(ranks->rank(), 'x'), root),
              std::string(root, 'x'));
  }
}

TEST(mpi_communicator, ranks_meet) {
  EXPECT_TRUE(ranks->meet(60.0));
}

TEST(mpi_communicator, a_call_that_fails_is_named) {
  std::vector<std::byte> one(1);
  try {
    ranks->broadcast(one, ranks->size());
    FAIL() << "there is no such rank";
  } catch (const mpi_error& problem) {
    EXPECT_TRUE(std::string(problem.what()).starts_with("MPI_Bcast: ")) << problem.what();
  }
}

}  // namespace
}  // namespace prefopt

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  prefopt::mpi_communicator all;
  prefopt::ranks = &all;
  return RUN_ALL_TESTS();
}
