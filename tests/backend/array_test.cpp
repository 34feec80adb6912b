#include <prefopt/backend/eigen/array.hpp>

#include <cstdint>
#include <limits>
#include <new>
#include <utility>

#include <gtest/gtest.h>

namespace prefopt {
namespace {

TEST(host_array, is_aligned_and_reads_as_0) {
  for (const std::size_t size : {1U, 15U, 1000U}) {
    host_array array(size);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(array.data()) % 64, 0U);
    for (std::size_t i = 0; i < size; ++i) ASSERT_EQ(array.data()[i], 0.0F);
  }
}

TEST(host_array, keeps_its_memory_where_it_suffices) {
  host_array array(10);
  const float* memory = array.data();
  array.data()[2] = 7.0F;
  array.resize(4);
  EXPECT_EQ(array.size(), 4U);
  EXPECT_EQ(array.capacity(), 10U);
  const matrix_view view = array.as(2, 5);
  EXPECT_EQ(view.data, memory);
  EXPECT_EQ(view.row(0)[2], 7.0F);
  EXPECT_EQ(array.as(3, 5).size(), 15U);
  EXPECT_EQ(array.capacity(), 15U);
}

TEST(host_array, copies_own_their_numbers) {
  host_array array(3);
  array.data()[1] = 5.0F;
  host_array copy = array;
  array.data()[1] = 6.0F;
  EXPECT_EQ(copy.data()[1], 5.0F);
  copy = array;
  EXPECT_EQ(copy.data()[1], 6.0F);
  const float* memory = array.data();
  const host_array moved = std::move(array);
  EXPECT_EQ(moved.data(), memory);
  EXPECT_EQ(array.size(), 0U);  // NOLINT(bugprone-use-after-move): it is as new
  EXPECT_EQ(host_array(host_array()).data(), nullptr);
}

TEST(host_array, that_finds_no_room_is_empty) {
  host_array array(3);
  const std::size_t huge = std::numeric_limits<std::size_t>::max();
  EXPECT_THROW(array.resize(huge / 2), std::bad_alloc);
  EXPECT_EQ(array.size(), 0U);
  EXPECT_EQ(array.data(), nullptr);
  // The product of both sides is 0 if it overflows.
  EXPECT_THROW(array.as(std::size_t{1} << 32U, std::size_t{1} << 32U), std::bad_alloc);
  EXPECT_EQ(array.as(2, 2).size(), 4U);
  EXPECT_EQ(array.data()[3], 0.0F);
}

}  // namespace
}  // namespace prefopt
