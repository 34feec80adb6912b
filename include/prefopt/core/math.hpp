#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include <prefopt/core/config.hpp>

namespace prefopt::math {

// The elementary functions of the losses, for float and double.
//
// Double takes the standard library's. Float has its own, without branches or tables, because then
// a loop over pairs vectorizes (the library's do not without -ffast-math, which would also lose NaN
// and the order of sums). The polynomials are Chebyshev fits of ours; relative errors are a few
// units in the last place over the whole range, NaN in gives NaN out, subnormal results included.

PREFOPT_HD inline double exp(double x) {
  return std::exp(x);
}
PREFOPT_HD inline double log(double x) {
  return std::log(x);
}
/// log(1 + u) for u in [0, 1].
PREFOPT_HD inline double log1p_unit(double u) {
  return std::log1p(u);
}

// Special cases are put in as bits at the end: a selection between a result and something else
// makes g++ compute the result in a branch, and then the loop around does not vectorize.

/// `bits` where the condition holds, else 0.
PREFOPT_HD constexpr std::uint32_t bits_where(bool condition, std::uint32_t bits) {
  return (0U - static_cast<std::uint32_t>(condition)) & bits;
}
inline constexpr auto infinity_bits =
    std::bit_cast<std::uint32_t>(std::numeric_limits<float>::infinity());
inline constexpr auto nan_bits =
    std::bit_cast<std::uint32_t>(std::numeric_limits<float>::quiet_NaN());

/// e^x = 2^n e^r with n = round(x / ln 2) and |r| <= ln 2 / 2.
PREFOPT_HD constexpr float exp(float argument) {
  // Beyond +-104 the result is 0 or infinity anyway. NaN becomes 104 here.
  const auto bits = std::bit_cast<std::uint32_t>(argument);
  const auto size = static_cast<std::int32_t>(bits & 0x7FFFFFFFU);
  constexpr auto largest = std::bit_cast<std::int32_t>(104.0F);
  const auto x = std::bit_cast<float>((bits & 0x80000000U) |
                                      static_cast<std::uint32_t>(size < largest ? size : largest));
  // Adding 1.5 * 2^23 rounds to an integer, which then stands in the lowest bits of the sum.
  constexpr float magic = 0x1.8p23F;
  const float shifted = x * 0x1.715476p0F + magic;
  const float n = shifted - magic;
  const auto exponent = static_cast<std::int32_t>(std::bit_cast<std::uint32_t>(shifted) -
                                                  std::bit_cast<std::uint32_t>(magic));
  // ln 2 in two parts, the first with trailing zeros, so that n times it is exact.
  const float r = (x - n * 0x1.62e4p-1F) - n * 0x1.7f7d1cp-20F;
  // e^r = 1 + r + r^2 q(r), |error of q| * r^2 < 9e-9
  const float q = 0.5F + r * (0.1666657338F +
                              r * (0.04166655011F + r * (0.008363773874F + r * 0.001392692661F)));
  const float p = 1.0F + (r + r * r * q);
  // 2^n in two factors, so that results below 2^-126 and above 2^127 come out right.
  const auto power = [](std::int32_t e) {
    return std::bit_cast<float>((static_cast<std::uint32_t>(e) + 127U) << 23U);
  };
  const std::int32_t half = exponent >> 1;
  const float result = p * power(half) * power(exponent - half);
  return std::bit_cast<float>(std::bit_cast<std::uint32_t>(result) |
                              bits_where(argument != argument, nan_bits));
}

/// (atanh(s) / s - 1) / s^2 for z = s^2 <= 1/9, absolute error < 4e-9.
PREFOPT_HD constexpr float atanh_tail(float z) {
  return 0.3333333366F +
         z * (0.1999985317F + z * (0.14296179F + z * (0.108532879F + z * 0.1161216461F)));
}

/// log(1 + u) = 2 atanh(s) with s = u / (2 + u), for u in [0, 1].
PREFOPT_HD constexpr float log1p_unit(float u) {
  const float s = u / (2.0F + u);
  const float z = s * s;
  return 2.0F * (s + s * (z * atanh_tail(z)));
}

/// Natural logarithm; -infinity at 0, NaN below.
PREFOPT_HD constexpr float log(float x) {
  // Subnormal numbers have no exponent of their own: lift them by 2^23.
  constexpr auto smallest = std::bit_cast<std::uint32_t>(std::numeric_limits<float>::min());
  const auto bits = std::bit_cast<std::uint32_t>(x);
  const bool tiny = bits < smallest;
  const auto lift =
      std::bit_cast<float>(std::bit_cast<std::uint32_t>(1.0F) + bits_where(tiny, 23U << 23U));
  const auto lifted = std::bit_cast<std::uint32_t>(x * lift);
  // x = 2^n m with m in [1/sqrt 2, sqrt 2)
  constexpr auto root_half = std::bit_cast<std::uint32_t>(0x1.6a09e6p-1F);
  const std::int32_t exponent = static_cast<std::int32_t>(lifted - root_half) >> 23;
  const float m = std::bit_cast<float>(lifted - (static_cast<std::uint32_t>(exponent) << 23U));
  const float n = static_cast<float>(exponent - static_cast<std::int32_t>(bits_where(tiny, 23U)));
  // log m = 2 atanh(s) with s = f / (2 + f). It is f - s (f - 2 z tail), which rounds once near 1.
  const float f = m - 1.0F;
  const float s = f / (2.0F + f);
  const float z = s * s;
  const float log_m = f - s * (f - 2.0F * z * atanh_tail(z));
  const float result = n * 0x1.62e4p-1F + (n * 0x1.7f7d1cp-20F + log_m);
  // The result is finite whatever x was, so what has to be infinity or NaN can be added to it.
  const bool zero = (bits & 0x7FFFFFFFU) == 0;
  const std::uint32_t special = bits_where(bits == infinity_bits, infinity_bits) |
                                bits_where(zero, infinity_bits | 0x80000000U) |
                                bits_where((bits > infinity_bits) & !zero, nan_bits);
  return result + std::bit_cast<float>(special);
}

/// -log sigmoid(m) and sigmoid(-m), which is minus its derivative.
template <class Real>
struct logistic_parts {
  Real loss;   ///< log(1 + e^-m)
  Real slope;  ///< 1 / (1 + e^m)
};

/// Both from one exponential of -|m|, which cannot overflow: exact to rounding at |m| = 1e6, and
/// relatively exact in the tail where the loss is e^-m.
template <class Real>
PREFOPT_HD constexpr logistic_parts<Real> logistic_loss(Real m) {
  // Selections are between numbers that are there anyway: one between results of arithmetic would
  // keep loops from vectorizing.
  const Real size = m < Real(0) ? -m : m;
  const Real u = math::exp(-size);
  const Real shortfall = m < Real(0) ? size : Real(0);
  const Real numerator = m < Real(0) ? Real(1) : u;
  return {shortfall + math::log1p_unit(u), numerator / (Real(1) + u)};
}

/// `x` where the condition holds, else 0, whatever x is. Done on bits: see above.
PREFOPT_HD constexpr float value_where(bool condition, float x) {
  return std::bit_cast<float>(bits_where(condition, std::bit_cast<std::uint32_t>(x)));
}
PREFOPT_HD constexpr double value_where(bool condition, double x) {
  return std::bit_cast<double>((std::uint64_t{0} - static_cast<std::uint64_t>(condition)) &
                               std::bit_cast<std::uint64_t>(x));
}
template <class Number>
PREFOPT_HD constexpr Number value_where(bool condition, const Number& x) {
  return condition ? x : Number(0);
}

/// Neither NaN nor infinite.
template <class Real>
PREFOPT_HD constexpr bool is_finite(Real x) {
  return x - x == Real(0);
}

}  // namespace prefopt::math
