#pragma once

#include <prefopt/core/config.hpp>
#include <prefopt/core/math.hpp>
#include <prefopt/offset/offset_policy.hpp>

namespace prefopt {

/// Delta = s_w - s_l (Amini et al. 2024, Fig. 4c).
///
/// Accepts finite scores, ties and inverted pairs too: their offset is 0 or negative.
struct identity {
  template <class Real>
  PREFOPT_HD constexpr Real operator()(Real winner_score, Real loser_score) const {
    return winner_score - loser_score;
  }

  template <class Real>
  PREFOPT_HD static constexpr bool accepts(Real winner_score, Real loser_score) {
    return math::is_finite(winner_score - loser_score);
  }
};

static_assert(offset_policy<identity>);

}  // namespace prefopt
