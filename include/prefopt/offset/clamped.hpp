#pragma once

#include <limits>

#include <prefopt/core/config.hpp>
#include <prefopt/offset/log_diff.hpp>
#include <prefopt/offset/offset_policy.hpp>

namespace prefopt {

/// Delta = offset, but at least `lowest` and at most `highest` (lowest <= highest).
/// `clamped{log_diff{}, 0.0}` keeps ODPO from relaxing the margin of pairs whose scores are close.
template <class Offset>
struct clamped {
  Offset offset{};
  double lowest = 0;
  double highest = std::numeric_limits<double>::infinity();

  template <class Real>
  requires offset_policy<Offset, Real> PREFOPT_HD constexpr Real operator()(
      Real winner_score, Real loser_score) const {
    // Comparisons, not fmin and fmax, which would turn NaN into a bound.
    const Real delta = Real(offset(winner_score, loser_score));
    const Real raised = delta < Real(lowest) ? Real(lowest) : delta;
    return raised > Real(highest) ? Real(highest) : raised;
  }

  template <class Real>
  PREFOPT_HD constexpr bool accepts(Real winner_score, Real loser_score) const {
    return offset_accepts(offset, winner_score, loser_score);
  }
};

template <class Offset>
clamped(Offset, double) -> clamped<Offset>;
template <class Offset>
clamped(Offset, double, double) -> clamped<Offset>;

static_assert(offset_policy<clamped<log_diff>>);

}  // namespace prefopt
