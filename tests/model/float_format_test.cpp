#include <prefopt/model/float_format.hpp>

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include <gtest/gtest.h>
#include <Eigen/Core>

#include <prefopt/core/random.hpp>

namespace prefopt {
namespace {

std::uint32_t bits(float value) {
  return std::bit_cast<std::uint32_t>(value);
}

// Eigen's conversions, written by others, are the reference: every half, and a million floats.
TEST(float_format, DecodesEveryHalfAsEigen) {
  for (std::uint32_t word = 0; word <= 0xFFFFU; ++word) {
    const auto half = static_cast<std::uint16_t>(word);
    const float expected = static_cast<float>(Eigen::numext::bit_cast<Eigen::half>(half));
    const float brain = static_cast<float>(Eigen::numext::bit_cast<Eigen::bfloat16>(half));
    if (std::isnan(expected)) {
      EXPECT_TRUE(std::isnan(from_float16(half)));
    } else {
      ASSERT_EQ(bits(from_float16(half)), bits(expected)) << word;
      ASSERT_EQ(to_float16(expected), half);
    }
    if (std::isnan(brain)) {
      EXPECT_TRUE(std::isnan(from_bfloat16(half)));
    } else {
      ASSERT_EQ(bits(from_bfloat16(half)), bits(brain)) << word;
      ASSERT_EQ(to_bfloat16(brain), half);
    }
  }
}

TEST(float_format, RoundsAsEigen) {
  random_stream random(7);
  for (int i = 0; i < 1000000; ++i) {
    std::uint32_t word = random();
    // Every other one near the halves' range, with its ties and subnormals.
    if (i % 2 == 0)
      word = (word & 0x80001FFFU) | ((96U + random() % 50U) << 23U) | (random() % 1024U << 13U);
    if (i % 8 == 0) word &= 0xFFFFF000U;
    const float value = std::bit_cast<float>(word);
    if (std::isnan(value)) {
      EXPECT_TRUE(std::isnan(from_float16(to_float16(value))));
      EXPECT_TRUE(std::isnan(from_bfloat16(to_bfloat16(value))));
      continue;
    }
    ASSERT_EQ(to_float16(value), Eigen::numext::bit_cast<std::uint16_t>(Eigen::half(value)))
        << value;
    ASSERT_EQ(to_bfloat16(value), Eigen::numext::bit_cast<std::uint16_t>(Eigen::bfloat16(value)))
        << value;
  }
}

TEST(float_format, SaysWhenANumberDoesNotFit) {
  std::vector<std::byte> out(4);
  const float infinity = std::numeric_limits<float>::infinity();
  EXPECT_TRUE(encode_floats(float_format::float16, std::vector<float>{65519.0F, -infinity}, out));
  EXPECT_FALSE(encode_floats(float_format::float16, std::vector<float>{65520.0F, 0.0F}, out));
  EXPECT_FALSE(encode_floats(float_format::bfloat16, std::vector<float>{0.0F, 3.4e38F}, out));
  std::vector<float> back(2);
  EXPECT_TRUE(encode_floats(float_format::bfloat16, std::vector<float>{-1.5F, 1e-40F}, out));
  decode_floats(float_format::bfloat16, out, back);
  EXPECT_EQ(back[0], -1.5F);
  EXPECT_NEAR(back[1], 1e-40F, 5e-41F);
}

TEST(float_format, IsNamedAsInConfigFiles) {
  for (const auto format : {float_format::float32, float_format::float16, float_format::bfloat16}) {
    EXPECT_EQ(float_format_named(name_of(format)), format);
  }
  EXPECT_THROW(float_format_named("int8"), usage_error);
}

}  // namespace
}  // namespace prefopt
