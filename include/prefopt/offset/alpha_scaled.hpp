#pragma once

#include <prefopt/core/config.hpp>
#include <prefopt/core/math.hpp>
#include <prefopt/offset/log_diff.hpp>
#include <prefopt/offset/offset_policy.hpp>

namespace prefopt {

/// Delta = alpha * offset (Amini et al. 2024, Eq. 15). With alpha = 0 it is exactly 0 for every
/// pair, ties too, so that ODPO is DPO bit for bit.
template <class Offset>
struct alpha_scaled {
  Offset offset{};
  double alpha = 1;

  template <class Real>
  requires offset_policy<Offset, Real> PREFOPT_HD constexpr Real operator()(
      Real winner_score, Real loser_score) const {
    return math::value_where(alpha != 0, Real(alpha) * Real(offset(winner_score, loser_score)));
  }

  template <class Real>
  PREFOPT_HD constexpr bool accepts(Real winner_score, Real loser_score) const {
    return alpha == 0 || offset_accepts(offset, winner_score, loser_score);
  }
};

template <class Offset>
alpha_scaled(Offset, double) -> alpha_scaled<Offset>;

static_assert(offset_policy<alpha_scaled<log_diff>>);

}  // namespace prefopt
