#pragma once

#include <prefopt/core/config.hpp>
#include <prefopt/core/math.hpp>
#include <prefopt/offset/offset_policy.hpp>

namespace prefopt {

/// Delta = log(s_w - s_l): the paper's own choice (Amini et al. 2024, Eq. 15 with f = log, and
/// section 6.1). It is negative where the scores are less than 1 apart, and then relaxes the
/// margin.
///
/// Accepts finite scores with s_w > s_l: a tie has no logarithm.
struct log_diff {
  template <class Real>
  PREFOPT_HD constexpr Real operator()(Real winner_score, Real loser_score) const {
    using math::log;
    return log(winner_score - loser_score);
  }

  template <class Real>
  PREFOPT_HD static constexpr bool accepts(Real winner_score, Real loser_score) {
    return winner_score > loser_score && math::is_finite(winner_score - loser_score);
  }
};

static_assert(offset_policy<log_diff>);

}  // namespace prefopt
