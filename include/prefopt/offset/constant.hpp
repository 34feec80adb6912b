#pragma once

#include <prefopt/core/config.hpp>
#include <prefopt/offset/offset_policy.hpp>

namespace prefopt {

/// Delta = value for every pair: SLiC's margin, SimPO's gamma. It reads no scores.
struct constant {
  double value = 0;  ///< nats

  template <class Real>
  PREFOPT_HD constexpr Real operator()(Real, Real) const {
    return Real(value);
  }

  template <class Real>
  PREFOPT_HD static constexpr bool accepts(Real, Real) {
    return true;
  }
};

static_assert(offset_policy<constant>);

}  // namespace prefopt
