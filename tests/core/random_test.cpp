#include <prefopt/core/random.hpp>

#include <array>
#include <map>
#include <random>
#include <set>

#include <gtest/gtest.h>

namespace prefopt {
namespace {

static_assert(std::uniform_random_bit_generator<random_stream>);

// Known answers of the Random123 distribution (kat_vectors, philox4x32 10).
TEST(philox, gives_the_published_words) {
  EXPECT_EQ(philox4x32({0, 0, 0, 0}, {0, 0}),
            (std::array<std::uint32_t, 4>{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  const std::uint32_t ones = 0xffffffffU;
  EXPECT_EQ(philox4x32({ones, ones, ones, ones}, {ones, ones}),
            (std::array<std::uint32_t, 4>{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (std::array<std::uint32_t, 4>{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(random_stream, continues_where_it_was_sought_to) {
  random_stream whole(7, 3, 2);
  for (int i = 0; i < 101; ++i) (void)whole();
  random_stream resumed(7, 3, 2);
  resumed.seek(whole.position());
  for (int i = 0; i < 10; ++i) EXPECT_EQ(resumed(), whole());
}

TEST(random_stream, differs_by_every_part_of_its_address) {
  std::set<std::uint32_t> first;
  for (std::uint64_t seed : {1ULL, 2ULL, 1ULL << 32U}) {
    for (std::uint32_t stream : {0U, 1U}) {
      for (std::uint32_t substream : {0U, 1U})
        first.insert(random_stream(seed, stream, substream)());
    }
  }
  EXPECT_EQ(first.size(), 12U);
}

TEST(random_stream, uniform_has_the_moments_of_the_uniform_distribution) {
  random_stream random(11);
  const int n = 100000;
  double sum = 0, squares = 0;
  for (int i = 0; i < n; ++i) {
    const double u = random.uniform();
    ASSERT_GE(u, 0.0);
    ASSERT_LT(u, 1.0);
    sum += u;
    squares += u * u;
  }
  EXPECT_NEAR(sum / n, 0.5, 0.004);
  EXPECT_NEAR(squares / n, 1.0 / 3.0, 0.004);
}

TEST(random_stream, below_reaches_every_value_about_equally) {
  random_stream random(5);
  std::array<int, 7> counts{};
  for (int i = 0; i < 70000; ++i) ++counts.at(random.below(7));
  for (int count : counts) EXPECT_NEAR(count, 10000, 450);
}

TEST(shuffle, gives_every_order_about_equally_often) {
  std::map<std::array<int, 3>, int> counts;
  random_stream random(3);
  for (int i = 0; i < 12000; ++i) {
    std::array<int, 3> values{0, 1, 2};
    shuffle(values, random);
    ++counts[values];
  }
  EXPECT_EQ(counts.size(), 6U);
  for (const auto& [order, count] : counts) EXPECT_NEAR(count, 2000, 160);
}

}  // namespace
}  // namespace prefopt
