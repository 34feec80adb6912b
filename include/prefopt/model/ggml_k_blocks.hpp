#pragma once

#include <cstddef>
#include <cstdint>

#include <prefopt/model/float_format.hpp>

namespace prefopt::detail {

// ggml's K-quants: blocks of 256 numbers in sub-blocks, each with its own small integer scale (and
// minimum), which a half (or two) scales. As in ggml_blocks.hpp every product is exact in float32:
// the bits of a half (11), of a sub-block's scale and of a quant are at most 23 together. What
// remains is one subtraction, so the results equal ggml's bit for bit however a compiler contracts
// them.

inline unsigned byte_at(const std::byte* at, std::size_t i) {
  return std::to_integer<unsigned>(at[i]);
}

/// One sub-block: out[i] = scale * quant(i) - minimum for `count` numbers.
template <class Quant>
void dequantize_run(float scale, float minimum, std::size_t count, Quant quant, float* out) {
  for (std::size_t i = 0; i < count; ++i) {
    out[i] = scale * static_cast<float>(quant(i)) - minimum;
  }
}

/// Q2_K: 16 bytes of scale (low four bits) and minimum (high), 64 of quants, halves d and dmin.
/// x = d scale q - dmin minimum, q of two bits. Of 128 numbers, number 32 s + i has its bits at
/// place 2 s of byte i.
inline void dequantize_q2_k(const std::byte* block, float* out) {
  const float scale = half_at(block + 80);
  const float minimum = half_at(block + 82);
  for (std::size_t run = 0; run < 16; ++run) {
    const std::byte* quants = block + 16 + run / 8 * 32 + run % 2 * 16;
    const std::size_t shift = run / 2 % 4 * 2;
    const unsigned both = byte_at(block, run);
    dequantize_run(
        scale * static_cast<float>(both & 15U), minimum * static_cast<float>(both >> 4U), 16,
        [&](std::size_t i) { return static_cast<int>((byte_at(quants, i) >> shift) & 3U); },
        out + 16 * run);
  }
}

/// Q3_K: 32 bytes of high bits, 64 of low pairs of bits, 12 of scales, half d. x = d (scale - 32)
/// q, q = low - 4 where the high bit is not set. The scales' low four bits stand in the first eight
/// bytes, their high two in the last four.
inline void dequantize_q3_k(const std::byte* block, float* out) {
  const float scale = half_at(block + 108);
  const std::byte* scales = block + 96;
  for (std::size_t run = 0; run < 16; ++run) {
    const std::byte* quants = block + 32 + run / 8 * 32 + run % 2 * 16;
    const std::byte* high = block + run % 2 * 16;
    const std::size_t shift = run / 2 % 4 * 2;
    const unsigned low_scale = (byte_at(scales, run % 8) >> (run / 8 * 4)) & 15U;
    const unsigned high_scale = (byte_at(scales, 8 + run % 4) >> (run / 4 * 2)) & 3U;
    const int sub_scale = static_cast<int>(low_scale | (high_scale << 4U)) - 32;
    dequantize_run(
        scale * static_cast<float>(sub_scale), 0.0F, 16,
        [&](std::size_t i) {
          const bool set = ((byte_at(high, i) >> (run / 2)) & 1U) != 0;
          return static_cast<int>((byte_at(quants, i) >> shift) & 3U) - (set ? 0 : 4);
        },
        out + 16 * run);
  }
}

/// Scale and minimum of sub-block j of 8, six bits each, packed in the 12 bytes of Q4_K and Q5_K:
/// those of the first four stand in the low six bits of bytes j and j + 4; those of the last four
/// in the halves of byte j + 4, with their two high bits atop the first eight bytes.
struct k_scale {
  unsigned scale;
  unsigned minimum;
};
inline k_scale k_scale_at(const std::byte* packed, std::size_t j) {
  if (j < 4) return {byte_at(packed, j) & 63U, byte_at(packed, j + 4) & 63U};
  const unsigned low = byte_at(packed, j + 4);
  return {(low & 15U) | (byte_at(packed, j - 4) >> 6U << 4U),
          (low >> 4U) | (byte_at(packed, j) >> 6U << 4U)};
}

/// Q4_K: halves d and dmin, 12 bytes of scales, 128 of quants; Q5_K has 32 bytes of fifth bits
/// before the quants. x = d scale q - dmin minimum. Of 64 numbers the first 32 have the low halves
/// of 32 bytes, the others the high ones; bit j of fifth-bit byte i belongs to number 32 j + i.
inline void dequantize_q4_q5_k(const std::byte* block, bool has_fifth, float* out) {
  const float scale = half_at(block);
  const float minimum = half_at(block + 2);
  const std::byte* fifth = block + 16;
  const std::byte* quants = block + (has_fifth ? 48 : 16);
  for (std::size_t run = 0; run < 8; ++run) {
    const k_scale sub = k_scale_at(block + 4, run);
    dequantize_run(
        scale * static_cast<float>(sub.scale), minimum * static_cast<float>(sub.minimum), 32,
        [&](std::size_t i) {
          const unsigned low = (byte_at(quants, run / 2 * 32 + i) >> (run % 2 * 4)) & 15U;
          const unsigned top = has_fifth ? (byte_at(fifth, i) >> run) & 1U : 0U;
          return static_cast<int>(low | (top << 4U));
        },
        out + 32 * run);
  }
}

/// Q6_K: 128 bytes of low halves, 64 of high pairs of bits, 16 signed scales, half d.
/// x = d scale (q - 32). Of 128 numbers, 32 s + i has its low half in byte 32 (s % 2) + i of 64,
/// low for s < 2, and its high bits at place 2 s of byte i of 32.
inline void dequantize_q6_k(const std::byte* block, float* out) {
  const float scale = half_at(block + 208);
  for (std::size_t run = 0; run < 16; ++run) {
    const std::size_t part = run / 2 % 4;
    const std::byte* low = block + run / 8 * 64 + part % 2 * 32 + run % 2 * 16;
    const std::byte* high = block + 128 + run / 8 * 32 + run % 2 * 16;
    const auto sub_scale = static_cast<std::int8_t>(block[192 + run]);
    dequantize_run(
        scale * static_cast<float>(sub_scale), 0.0F, 16,
        [&](std::size_t i) {
          const unsigned bits = (byte_at(low, i) >> (part / 2 * 4)) & 15U;
          const unsigned top = (byte_at(high, i) >> (part * 2)) & 3U;
          return static_cast<int>(bits | (top << 4U)) - 32;
        },
        out + 16 * run);
  }
}

}  // namespace prefopt::detail
