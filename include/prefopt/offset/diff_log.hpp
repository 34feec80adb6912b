#pragma once

#include <prefopt/core/config.hpp>
#include <prefopt/core/math.hpp>
#include <prefopt/offset/offset_policy.hpp>

namespace prefopt {

/// Delta = log s_w - log s_l (Amini et al. 2024, Fig. 4b): how many times better the winner is. It
/// does not depend on the scores' unit.
///
/// Accepts finite scores with s_w > s_l > 0.
struct diff_log {
  template <class Real>
  PREFOPT_HD constexpr Real operator()(Real winner_score, Real loser_score) const {
    using math::log;
    return log(winner_score) - log(loser_score);
  }

  template <class Real>
  PREFOPT_HD static constexpr bool accepts(Real winner_score, Real loser_score) {
    return winner_score > loser_score && loser_score > Real(0) && math::is_finite(winner_score);
  }
};

static_assert(offset_policy<diff_log>);

}  // namespace prefopt
