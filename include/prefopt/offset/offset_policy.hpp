#pragma once

#include <concepts>

#include <prefopt/core/config.hpp>
#include <prefopt/core/math.hpp>

namespace prefopt {

/// How far apart a pair's implicit rewards must end up, from the two responses' scores: Delta_r of
/// Amini et al. (2024), Eq. 7c.
///
/// 1. `offset(winner_score, loser_score)` gives the offset, in nats. This is the defining
/// operation.
///    It is a pure function and does not throw; where it has no value it gives NaN or infinity.
/// 2. It may have `offset.accepts(winner_score, loser_score)`, which says for which scores it has a
///    finite value. Without it, all finite scores are accepted.
///
/// `Real` is `float`, `double` or a dual number; an offset that is only ever used in double
/// precision may take doubles.
template <class Offset, class Real = double>
concept offset_policy = requires(const Offset& offset, Real winner_score, Real loser_score) {
  { offset(winner_score, loser_score) } -> std::convertible_to<Real>;
};

/// Whether an offset has a finite value for these two scores: what it says itself, else whether
/// both are finite.
template <class Offset, class Real>
PREFOPT_HD constexpr bool offset_accepts(const Offset& offset, Real winner_score,
                                         Real loser_score) {
  if constexpr (requires {
                  { offset.accepts(winner_score, loser_score) } -> std::convertible_to<bool>;
                }) {
    return offset.accepts(winner_score, loser_score);
  } else {
    return math::is_finite(winner_score) && math::is_finite(loser_score);
  }
}

}  // namespace prefopt
