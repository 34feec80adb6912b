#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include <prefopt/core/bfloat16.hpp>
#include <prefopt/core/error.hpp>

namespace prefopt {

static_assert(std::endian::native == std::endian::little,
              "checkpoint files are little-endian, and are read and written as they stand");

/// How a checkpoint stores its numbers. prefopt computes in float32.
enum class float_format { float32, float16, bfloat16 };

/// Bytes of one number.
constexpr std::size_t size_of(float_format format) {
  return format == float_format::float32 ? 4 : 2;
}

/// IEEE 754 binary16 to float32, exact.
constexpr float from_float16(std::uint16_t half) {
  const std::uint32_t sign = (half & 0x8000U) << 16U;
  const std::uint32_t exponent = (half >> 10U) & 0x1FU;
  const std::uint32_t mantissa = half & 0x3FFU;
  if (exponent == 0) {  // zero or subnormal: mantissa * 2^-24
    const float value = static_cast<float>(mantissa) * 0x1.0p-24F;
    return sign != 0 ? -value : value;
  }
  const std::uint32_t wide = exponent == 0x1F ? 0xFFU : exponent + 112;
  return std::bit_cast<float>(sign | (wide << 23U) | (mantissa << 13U));
}

/// The binary16 at this place, whatever its alignment.
inline float half_at(const std::byte* at) {
  std::uint16_t word = 0;
  std::memcpy(&word, at, sizeof(word));
  return from_float16(word);
}

/// The nearest binary16, ties to even; infinite from 65520 on. A NaN stays one.
constexpr std::uint16_t to_float16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t sign = (bits >> 16U) & 0x8000U;
  const std::uint32_t magnitude = bits & 0x7FFFFFFFU;
  if (magnitude > 0x7F800000U) return static_cast<std::uint16_t>(sign | 0x7E00U);
  if (magnitude >= 0x477FF000U) return static_cast<std::uint16_t>(sign | 0x7C00U);
  if (magnitude < 0x38800000U) {
    // Below 2^-14 halves are multiples of 2^-24, the last bit of a float in [1/2, 1): adding 1/2
    // lets the addition do the rounding.
    const float shifted = std::bit_cast<float>(magnitude) + 0.5F;
    return static_cast<std::uint16_t>(sign | (std::bit_cast<std::uint32_t>(shifted) - 0x3F000000U));
  }
  const std::uint32_t rebased = magnitude - 0x38000000U;  // exponent bias 127 to 15
  return static_cast<std::uint16_t>(sign | ((rebased + 0xFFFU + ((rebased >> 13U) & 1U)) >> 13U));
}

/// Numbers as they stand in a file to float32. `bytes.size() == size_of(format) * out.size()`.
inline void decode_floats(float_format format, std::span<const std::byte> bytes,
                          std::span<float> out) {
  if (out.empty()) return;
  if (format == float_format::float32) {
    std::memcpy(out.data(), bytes.data(), out.size() * sizeof(float));
    return;
  }
  for (std::size_t i = 0; i < out.size(); ++i) {
    std::uint16_t word = 0;
    std::memcpy(&word, bytes.data() + i * sizeof(word), sizeof(word));
    out[i] = format == float_format::float16 ? from_float16(word) : from_bfloat16(word);
  }
}

/// The inverse, rounding to nearest even. Returns false if a finite number became infinite.
inline bool encode_floats(float_format format, std::span<const float> values,
                          std::span<std::byte> out) {
  if (values.empty()) return true;
  if (format == float_format::float32) {
    std::memcpy(out.data(), values.data(), values.size() * sizeof(float));
    return true;
  }
  const bool half = format == float_format::float16;
  const std::uint16_t infinity = half ? 0x7C00U : 0x7F80U;
  bool fits = true;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::uint16_t word = half ? to_float16(values[i]) : to_bfloat16(values[i]);
    const std::uint32_t magnitude = std::bit_cast<std::uint32_t>(values[i]) & 0x7FFFFFFFU;
    if ((word & 0x7FFFU) == infinity && magnitude != 0x7F800000U) fits = false;
    std::memcpy(out.data() + i * sizeof(word), &word, sizeof(word));
  }
  return fits;
}

/// "float32", "float16", "bfloat16": the names that config.json uses for `torch_dtype`.
constexpr std::string_view name_of(float_format format) {
  switch (format) {
    case float_format::float32:
      return "float32";
    case float_format::float16:
      return "float16";
    case float_format::bfloat16:
      return "bfloat16";
  }
  return "";
}

/// The inverse; throws `usage_error`.
inline float_format float_format_named(std::string_view name) {
  for (const auto format : {float_format::float32, float_format::float16, float_format::bfloat16}) {
    if (name == name_of(format)) return format;
  }
  throw usage_error("unknown number format '" + std::string(name) +
                    "'; expected float32, float16 or bfloat16");
}

}  // namespace prefopt
