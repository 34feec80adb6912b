#include <prefopt/train/data_order.hpp>

#include <algorithm>
#include <numeric>
#include <span>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <prefopt/core/error.hpp>

namespace prefopt {
namespace {

using testing::ElementsAre;

std::vector<std::size_t> epoch_of(data_order& order, std::size_t epoch) {
  std::vector<std::size_t> all;
  for (std::size_t i = 0; i < order.steps_per_epoch(); ++i) {
    const auto batch = order.batch(epoch * order.steps_per_epoch() + i);
    all.insert(all.end(), batch.begin(), batch.end());
  }
  return all;
}

TEST(part_of_step, parts_are_about_equal_and_make_up_the_step) {
  const std::vector<std::size_t> examples{5, 3, 8, 1, 9, 7, 2};
  for (std::size_t parts = 1; parts <= examples.size(); ++parts) {
    std::vector<std::size_t> all;
    for (std::size_t i = 0; i < parts; ++i) {
      const auto part = part_of_step(examples, i, parts);
      EXPECT_GE(part.size(), examples.size() / parts);
      EXPECT_LE(part.size(), examples.size() / parts + 1);
      all.insert(all.end(), part.begin(), part.end());
    }
    EXPECT_EQ(all, examples);
  }
}

TEST(parts_of_step, have_no_more_tokens_than_asked_for_but_an_example_alone) {
  const std::vector<std::size_t> examples{5, 3, 8, 1, 9, 7, 2};
  const auto tokens = [](std::span<const std::size_t> some) {
    return std::accumulate(some.begin(), some.end(), std::size_t{0});
  };
  const auto cut = [&](std::size_t parts, std::size_t most) {
    std::vector<std::vector<std::size_t>> found;
    for (const auto part : parts_of_step(examples, parts, most, tokens)) {
      found.emplace_back(part.begin(), part.end());
    }
    return found;
  };
  using list = std::vector<std::vector<std::size_t>>;
  EXPECT_EQ(cut(1, 0), (list{examples}));
  EXPECT_EQ(cut(1, 35), (list{examples}));
  EXPECT_EQ(cut(1, 9), (list{{5, 3}, {8, 1}, {9}, {7, 2}}));
  EXPECT_EQ(cut(1, 8), (list{{5, 3}, {8}, {1}, {9}, {7}, {2}}));
  EXPECT_EQ(cut(2, 12), (list{{5, 3}, {8}, {1, 9}, {7, 2}}));
  EXPECT_EQ(cut(7, 1000).size(), 7U);
  EXPECT_TRUE(parts_of_step({}, 0, 8, tokens).empty());
}

TEST(shuffled, is_a_permutation_that_seed_and_epoch_decide) {
  auto order = shuffled(100, 3, 0);
  EXPECT_EQ(order, shuffled(100, 3, 0));
  EXPECT_NE(order, shuffled(100, 3, 1));
  EXPECT_NE(order, shuffled(100, 4, 0));
  std::sort(order.begin(), order.end());
  for (std::size_t i = 0; i < 100; ++i) EXPECT_EQ(order[i], i);
  EXPECT_TRUE(shuffled(0, 1, 0).empty());
}

TEST(shuffled, puts_every_number_everywhere_equally_often) {
  // 6000 epochs of 4: each place expects 1500 of each number, standard deviation 33.5.
  std::size_t counts[4][4] = {};
  for (std::uint32_t epoch = 0; epoch < 6000; ++epoch) {
    const auto order = shuffled(4, 11, epoch);
    for (std::size_t i = 0; i < 4; ++i) ++counts[i][order[i]];
  }
  for (const auto& row : counts) {
    for (const std::size_t count : row) EXPECT_NEAR(static_cast<double>(count), 1500.0, 170.0);
  }
}

TEST(data_order, takes_every_example_once_an_epoch) {
  data_order order(std::vector<std::size_t>(10, 0), 4, 1, 1);
  EXPECT_EQ(order.steps_per_epoch(), 3U);
  EXPECT_EQ(order.batch(2).size(), 2U);
  for (std::size_t epoch = 0; epoch < 3; ++epoch) {
    auto all = epoch_of(order, epoch);
    std::sort(all.begin(), all.end());
    std::vector<std::size_t> expected(10);
    std::iota(expected.begin(), expected.end(), std::size_t{0});
    EXPECT_EQ(all, expected);
  }
  EXPECT_NE(epoch_of(order, 0), epoch_of(order, 1));
}

TEST(data_order, answers_for_any_step_as_if_all_before_were_asked) {
  data_order order(std::vector<std::size_t>(10, 0), 3, 1, 1);
  data_order fresh(std::vector<std::size_t>(10, 0), 3, 1, 1);
  for (std::size_t step = 0; step < 9; ++step) static_cast<void>(order.batch(step));
  EXPECT_EQ(order.batch(9), fresh.batch(9));
  EXPECT_EQ(order.batch(1), fresh.batch(1));
}

TEST(data_order, keeps_the_examples_of_a_prompt_together) {
  std::vector<std::size_t> groups;
  for (std::size_t i = 0; i < 24; ++i) groups.push_back(i % 6);
  data_order order(groups, 4, 5, 0);
  for (std::size_t step = 0; step < 6; ++step) {
    const auto batch = order.batch(step);
    ASSERT_EQ(batch.size(), 4U);
    for (const std::size_t i : batch) EXPECT_EQ(groups[i], groups[batch[0]]);
  }
  EXPECT_NE(epoch_of(order, 0), epoch_of(order, 1));
}

TEST(data_order, keeps_as_many_of_a_prompt_together_as_are_asked_for) {
  std::vector<std::size_t> groups;  // 0 1 2 0 1 2 ...: seven of each
  for (std::size_t i = 0; i < 21; ++i) groups.push_back(i % 3);
  data_order order(groups, 1, 5, 3);
  const std::vector<std::size_t> epoch = epoch_of(order, 0);
  std::vector<std::vector<std::size_t>> pieces;  // runs of a prompt's neighbours
  for (const std::size_t i : epoch) {
    if (pieces.empty() || pieces.back().back() + 3 != i || pieces.back().size() == 3) {
      pieces.emplace_back();
    }
    pieces.back().push_back(i);
  }
  ASSERT_EQ(pieces.size(), 9U);  // two of three examples and one of one, for each of three prompts
  std::vector<std::size_t> firsts;
  for (const auto& piece : pieces) {
    EXPECT_EQ(piece.size(), piece.front() < 18 ? 3U : 1U);
    firsts.push_back(piece.front());
  }
  EXPECT_FALSE(std::is_sorted(firsts.begin(), firsts.end())) << "the pieces are shuffled";
  std::sort(firsts.begin(), firsts.end());
  EXPECT_THAT(firsts, ElementsAre(0, 1, 2, 9, 10, 11, 18, 19, 20));
}

TEST(data_order, puts_a_batch_s_examples_of_a_prompt_side_by_side) {
  std::vector<std::size_t> groups;
  for (std::size_t i = 0; i < 30; ++i) groups.push_back(i % 3);
  data_order order(groups, 30, 5, 1);
  const auto batch = order.batch(0);
  std::size_t changes = 0;
  for (std::size_t i = 1; i < 30; ++i) changes += groups[batch[i]] != groups[batch[i - 1]] ? 1 : 0;
  EXPECT_EQ(changes, 2U);
}

TEST(data_order, refuses_nothing_to_train_on) {
  EXPECT_THROW(data_order({}, 4, 1, 1), usage_error);
  EXPECT_THROW(data_order({0}, 0, 1, 1), usage_error);
}

}  // namespace
}  // namespace prefopt
