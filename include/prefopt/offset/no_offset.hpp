#pragma once

#include <prefopt/core/config.hpp>
#include <prefopt/offset/offset_policy.hpp>

namespace prefopt {

/// Delta = 0: every pair counts alike, as in DPO. It reads no scores, so it accepts any, NaN too.
struct no_offset {
  template <class Real>
  PREFOPT_HD constexpr Real operator()(Real, Real) const {
    return Real(0);
  }

  template <class Real>
  PREFOPT_HD static constexpr bool accepts(Real, Real) {
    return true;
  }
};

static_assert(offset_policy<no_offset>);

}  // namespace prefopt
