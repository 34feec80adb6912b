#pragma once

#include <concepts>

#include <prefopt/core/config.hpp>
#include <prefopt/core/math.hpp>

namespace prefopt {

/// A link's value and derivative at one margin.
template <class Real>
struct link_value {
  Real value;
  Real slope;
};

/// How a shortfall is punished: a function of the margin m = beta * h - Delta, which is below 0
/// where the pair is not yet as far apart as it should be.
///
/// 1. `link(margin)` gives the value, in nats, and its derivative. This is the defining operation;
///    it is a pure function, does not throw, and is finite for finite margins.
template <class Link, class Real = double>
concept link_function = requires(const Link& link, Real margin) {
  { link(margin) } -> std::convertible_to<link_value<Real>>;
};

/// -log sigmoid(m): DPO's and ODPO's (Rafailov et al. 2023, Eq. 7; Amini et al. 2024, Eq. 7c).
struct logistic {
  template <class Real>
  PREFOPT_HD constexpr link_value<Real> operator()(Real margin) const {
    using math::logistic_loss;
    const math::logistic_parts<Real> parts = logistic_loss(margin);
    return {parts.loss, -parts.slope};
  }
};

/// max(0, -m): SLiC's and RSO's, their margin being the offset. The derivative at m = 0 is 0.
struct hinge {
  template <class Real>
  PREFOPT_HD constexpr link_value<Real> operator()(Real margin) const {
    // `margin >= 0` and not `margin < 0`, so that NaN stays.
    return {margin >= Real(0) ? Real(0) : -margin, margin >= Real(0) ? Real(0) : Real(-1)};
  }
};

/// m^2: IPO's (Azar et al. 2023, Eq. 17), its 1 / (2 tau) being the offset.
struct squared {
  template <class Real>
  PREFOPT_HD constexpr link_value<Real> operator()(Real margin) const {
    return {margin * margin, Real(2) * margin};
  }
};

/// (1 - epsilon) L(m) + epsilon L(-m): the label is wrong with probability epsilon. cDPO's
/// (Mitchell 2023).
template <class Link = logistic>
struct label_smoothed {
  Link link{};
  double epsilon = 0;  ///< in [0, 1/2)

  template <class Real>
  PREFOPT_HD constexpr link_value<Real> operator()(Real margin) const {
    const link_value<Real> right = link(margin);
    const link_value<Real> wrong = link(-margin);
    const Real keep = Real(1 - epsilon);
    const Real flip = Real(epsilon);
    return {keep * right.value + flip * wrong.value, keep * right.slope - flip * wrong.slope};
  }
};

/// ((1 - epsilon) L(m) - epsilon L(-m)) / (1 - 2 epsilon): its mean over labels that are wrong with
/// probability epsilon is L under right labels. Robust DPO's (Chowdhury et al. 2024).
template <class Link = logistic>
struct robust {
  Link link{};
  double epsilon = 0;  ///< in [0, 1/2)

  template <class Real>
  PREFOPT_HD constexpr link_value<Real> operator()(Real margin) const {
    const link_value<Real> right = link(margin);
    const link_value<Real> wrong = link(-margin);
    const Real keep = Real((1 - epsilon) / (1 - 2 * epsilon));
    const Real flip = Real(epsilon / (1 - 2 * epsilon));
    return {keep * right.value - flip * wrong.value, keep * right.slope + flip * wrong.slope};
  }
};

template <class Link>
label_smoothed(Link, double) -> label_smoothed<Link>;
template <class Link>
robust(Link, double) -> robust<Link>;

static_assert(link_function<logistic> && link_function<hinge> && link_function<squared> &&
              link_function<label_smoothed<>> && link_function<robust<>>);

}  // namespace prefopt
