#pragma once

#include <array>
#include <cmath>
#include <concepts>
#include <cstddef>

#include <prefopt/core/config.hpp>
#include <prefopt/core/math.hpp>

namespace prefopt {

/// A number that carries its derivatives with respect to N variables through arithmetic (forward
/// automatic differentiation). It converts from plain numbers, which are constants, and compares by
/// value. The functions below are found by argument-dependent lookup: write `log(x)`.
template <class Real = double, std::size_t N = 1>
struct dual {
  Real value{};
  std::array<Real, N> tangent{};  ///< d value / d variable i

  constexpr dual() = default;
  /// A constant.
  PREFOPT_HD constexpr dual(Real number) : value(number) {}
  PREFOPT_HD constexpr dual(double number) requires(!std::same_as<Real, double>)
      : value(static_cast<Real>(number)) {}
  PREFOPT_HD constexpr dual(int number) requires(!std::same_as<Real, int>)
      : value(static_cast<Real>(number)) {}

  /// The variable number i.
  PREFOPT_HD static constexpr dual variable(Real number, std::size_t i) {
    dual x(number);
    x.tangent[i] = Real(1);
    return x;
  }

  /// f(x) from f's value and derivative at x.value: the chain rule.
  PREFOPT_HD constexpr dual chain(Real f, Real derivative) const {
    dual y(f);
    for (std::size_t i = 0; i < N; ++i) y.tangent[i] = derivative * tangent[i];
    return y;
  }

  PREFOPT_HD friend constexpr dual operator+(const dual& a) { return a; }
  PREFOPT_HD friend constexpr dual operator-(const dual& a) { return a.chain(-a.value, Real(-1)); }
  PREFOPT_HD friend constexpr dual operator+(const dual& a, const dual& b) {
    dual y(a.value + b.value);
    for (std::size_t i = 0; i < N; ++i) y.tangent[i] = a.tangent[i] + b.tangent[i];
    return y;
  }
  PREFOPT_HD friend constexpr dual operator-(const dual& a, const dual& b) {
    dual y(a.value - b.value);
    for (std::size_t i = 0; i < N; ++i) y.tangent[i] = a.tangent[i] - b.tangent[i];
    return y;
  }
  PREFOPT_HD friend constexpr dual operator*(const dual& a, const dual& b) {
    dual y(a.value * b.value);
    for (std::size_t i = 0; i < N; ++i) {
      y.tangent[i] = a.tangent[i] * b.value + a.value * b.tangent[i];
    }
    return y;
  }
  PREFOPT_HD friend constexpr dual operator/(const dual& a, const dual& b) {
    dual y(a.value / b.value);
    for (std::size_t i = 0; i < N; ++i) {
      y.tangent[i] = (a.tangent[i] - y.value * b.tangent[i]) / b.value;
    }
    return y;
  }
  PREFOPT_HD constexpr dual& operator+=(const dual& b) { return *this = *this + b; }
  PREFOPT_HD constexpr dual& operator-=(const dual& b) { return *this = *this - b; }
  PREFOPT_HD constexpr dual& operator*=(const dual& b) { return *this = *this * b; }
  PREFOPT_HD constexpr dual& operator/=(const dual& b) { return *this = *this / b; }

  PREFOPT_HD friend constexpr bool operator==(const dual& a, const dual& b) {
    return a.value == b.value;
  }
  PREFOPT_HD friend constexpr auto operator<=>(const dual& a, const dual& b) {
    return a.value <=> b.value;
  }

  PREFOPT_HD friend constexpr dual exp(const dual& x) {
    const Real y = math::exp(x.value);
    return x.chain(y, y);
  }
  PREFOPT_HD friend constexpr dual log(const dual& x) {
    return x.chain(math::log(x.value), Real(1) / x.value);
  }
  PREFOPT_HD friend constexpr math::logistic_parts<dual> logistic_loss(const dual& m) {
    const math::logistic_parts<Real> parts = math::logistic_loss(m.value);
    const Real rise = math::logistic_loss(-m.value).slope;  // sigmoid(m)
    return {m.chain(parts.loss, -parts.slope), m.chain(parts.slope, -parts.slope * rise)};
  }
  PREFOPT_HD friend dual log1p(const dual& x) {
    return x.chain(std::log1p(x.value), Real(1) / (Real(1) + x.value));
  }
  PREFOPT_HD friend dual expm1(const dual& x) {
    return x.chain(std::expm1(x.value), math::exp(x.value));
  }
  PREFOPT_HD friend dual sqrt(const dual& x) {
    const Real y = std::sqrt(x.value);
    return x.chain(y, Real(0.5) / y);
  }
  PREFOPT_HD friend dual pow(const dual& x, Real exponent) {
    return x.chain(std::pow(x.value, exponent), exponent * std::pow(x.value, exponent - Real(1)));
  }
  PREFOPT_HD friend dual tanh(const dual& x) {
    const Real y = std::tanh(x.value);
    return x.chain(y, Real(1) - y * y);
  }
  /// The derivative at 0 is 1.
  PREFOPT_HD friend constexpr dual abs(const dual& x) { return x.value < Real(0) ? -x : x; }
};

}  // namespace prefopt
