#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include <prefopt/core/error.hpp>
#include <prefopt/model/float_format.hpp>
#include <prefopt/model/ggml_k_blocks.hpp>

namespace prefopt {

/// How ggml stores numbers: in blocks of `block_numbers` numbers, `block_bytes` bytes each.
/// The names and numbers are those of ggml's `enum ggml_type`.
struct ggml_type {
  std::uint32_t number;
  std::string_view name;
  std::size_t block_numbers;
  std::size_t block_bytes;
};

inline constexpr std::array<ggml_type, 13> ggml_types{{
    {0, "F32", 1, 4},
    {1, "F16", 1, 2},
    {2, "Q4_0", 32, 18},
    {3, "Q4_1", 32, 20},
    {6, "Q5_0", 32, 22},
    {7, "Q5_1", 32, 24},
    {8, "Q8_0", 32, 34},
    {10, "Q2_K", 256, 84},
    {11, "Q3_K", 256, 110},
    {12, "Q4_K", 256, 144},
    {13, "Q5_K", 256, 176},
    {14, "Q6_K", 256, 210},
    {30, "BF16", 1, 2},
}};

/// The type of this number, or nullptr where this library does not read it.
inline const ggml_type* find_ggml_type(std::uint32_t number) {
  for (const auto& type : ggml_types) {
    if (type.number == number) return &type;
  }
  return nullptr;
}

/// Their names, for messages: "F32, F16, ...".
inline std::string ggml_type_names() {
  std::string names;
  for (const auto& type : ggml_types) {
    names += (names.empty() ? "" : ", ") + std::string(type.name);
  }
  return names;
}

namespace detail {

// Every block holds 32 numbers and begins with its scale d, a half. All products below are exact
// in float32: a half has 11 bits and a quant at most 8, so the results do not depend on how a
// compiler contracts them, and equal ggml's bit for bit.

/// Q4_0: x = d (q - 8), Q4_1: x = d q + m. Byte j holds q_j in its low and q_(j+16) in its high
/// four bits.
inline void dequantize_q4(const std::byte* block, bool has_minimum, float* out) {
  const float scale = half_at(block);
  const float minimum = has_minimum ? half_at(block + 2) : 0.0F;
  const std::byte* quants = block + (has_minimum ? 4 : 2);
  for (std::size_t j = 0; j < 16; ++j) {
    const auto byte = std::to_integer<int>(quants[j]);
    if (has_minimum) {
      out[j] = static_cast<float>(byte & 15) * scale + minimum;
      out[j + 16] = static_cast<float>(byte >> 4) * scale + minimum;
    } else {
      out[j] = static_cast<float>((byte & 15) - 8) * scale;
      out[j + 16] = static_cast<float>((byte >> 4) - 8) * scale;
    }
  }
}

/// Q5_0: x = d (q - 16), Q5_1: x = d q + m. As above, and bit j of a 32-bit word is the fifth bit
/// of q_j.
inline void dequantize_q5(const std::byte* block, bool has_minimum, float* out) {
  const float scale = half_at(block);
  const float minimum = has_minimum ? half_at(block + 2) : 0.0F;
  const std::byte* place = block + (has_minimum ? 4 : 2);
  std::uint32_t fifth = 0;
  std::memcpy(&fifth, place, sizeof(fifth));
  const std::byte* quants = place + 4;
  for (std::size_t j = 0; j < 16; ++j) {
    const auto byte = std::to_integer<unsigned>(quants[j]);
    const auto low = static_cast<int>((byte & 15U) | (((fifth >> j) & 1U) << 4U));
    const auto high = static_cast<int>((byte >> 4U) | (((fifth >> (j + 16)) & 1U) << 4U));
    if (has_minimum) {
      out[j] = static_cast<float>(low) * scale + minimum;
      out[j + 16] = static_cast<float>(high) * scale + minimum;
    } else {
      out[j] = static_cast<float>(low - 16) * scale;
      out[j + 16] = static_cast<float>(high - 16) * scale;
    }
  }
}

/// Q8_0: x = d q, q signed bytes.
inline void dequantize_q8(const std::byte* block, float* out) {
  const float scale = half_at(block);
  for (std::size_t j = 0; j < 32; ++j) {
    out[j] = static_cast<float>(static_cast<std::int8_t>(block[2 + j])) * scale;
  }
}

}  // namespace detail

/// Numbers as they stand in a GGUF file to float32, as ggml's reference code gives them.
/// `out.size()` is a multiple of the type's `block_numbers`, and `bytes` holds that many blocks.
inline void dequantize(const ggml_type& type, std::span<const std::byte> bytes,
                       std::span<float> out) {
  switch (type.number) {
    case 0:
      return decode_floats(float_format::float32, bytes, out);
    case 1:
      return decode_floats(float_format::float16, bytes, out);
    case 30:
      return decode_floats(float_format::bfloat16, bytes, out);
    default:
      break;
  }
  const std::size_t blocks = out.size() / type.block_numbers;
  for (std::size_t b = 0; b < blocks; ++b) {
    const std::byte* block = bytes.data() + b * type.block_bytes;
    float* values = out.data() + b * type.block_numbers;
    switch (type.number) {
      case 2:
        detail::dequantize_q4(block, false, values);
        break;
      case 3:
        detail::dequantize_q4(block, true, values);
        break;
      case 6:
        detail::dequantize_q5(block, false, values);
        break;
      case 7:
        detail::dequantize_q5(block, true, values);
        break;
      case 8:
        detail::dequantize_q8(block, values);
        break;
      case 10:
        detail::dequantize_q2_k(block, values);
        break;
      case 11:
        detail::dequantize_q3_k(block, values);
        break;
      case 12:
        detail::dequantize_q4_q5_k(block, false, values);
        break;
      case 13:
        detail::dequantize_q4_q5_k(block, true, values);
        break;
      case 14:
        detail::dequantize_q6_k(block, values);
        break;
      default:
        throw usage_error("ggml type " + std::string(type.name) + " is not dequantized");
    }
  }
}

namespace detail {

/// 32 numbers to Q8_0, as ggml's reference: d = max|x| / 127, q = round(x / d), halves away from
/// zero. False where a number is not finite or d no half.
inline bool quantize_q8(std::span<const float> values, std::byte* block) {
  float largest = 0.0F;
  for (const float value : values) {
    if (!std::isfinite(value)) return false;
    largest = std::max(largest, std::fabs(value));
  }
  const float scale = largest / 127.0F;
  // A scale that small is no half but 0, and so is everything that it scales.
  const float inverse = scale > 1e-30F ? 1.0F / scale : 0.0F;
  const std::uint16_t half = to_float16(scale);
  if (half >= 0x7C00U) return false;
  std::memcpy(block, &half, sizeof(half));
  for (std::size_t j = 0; j < values.size(); ++j) {
    block[2 + j] =
        static_cast<std::byte>(static_cast<std::int8_t>(std::round(values[j] * inverse)));
  }
  return true;
}

}  // namespace detail

/// The inverse of `dequantize` for F32, F16, BF16 and Q8_0. Returns false if the type cannot hold a
/// number; throws `usage_error` for other types.
inline bool quantize(const ggml_type& type, std::span<const float> values,
                     std::span<std::byte> out) {
  switch (type.number) {
    case 0:
      return encode_floats(float_format::float32, values, out);
    case 1:
      return encode_floats(float_format::float16, values, out);
    case 30:
      return encode_floats(float_format::bfloat16, values, out);
    case 8:
      for (std::size_t b = 0; b < values.size() / type.block_numbers; ++b) {
        const auto block = values.subspan(b * type.block_numbers, type.block_numbers);
        if (!detail::quantize_q8(block, out.data() + b * type.block_bytes)) return false;
      }
      return true;
    default:
      throw usage_error("ggml type " + std::string(type.name) + " is not written");
  }
}

}  // namespace prefopt
