#pragma once

#include <bit>
#include <cstdint>

namespace prefopt {

/// bfloat16, the upper half of a float32, exact.
constexpr float from_bfloat16(std::uint16_t brain) {
  return std::bit_cast<float>(std::uint32_t{brain} << 16U);
}

/// The nearest bfloat16, ties to even. A NaN stays one.
constexpr std::uint16_t to_bfloat16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t rounded = bits + 0x7FFFU + ((bits >> 16U) & 1U);
  const bool nan = (bits & 0x7FFFFFFFU) > 0x7F800000U;
  return static_cast<std::uint16_t>((nan ? bits | 0x400000U : rounded) >> 16U);
}

}  // namespace prefopt
