#pragma once

#include <prefopt/core/config.hpp>
#include <prefopt/offset/constant.hpp>
#include <prefopt/offset/log_diff.hpp>
#include <prefopt/offset/offset_policy.hpp>

namespace prefopt {

/// Delta = first + second. Nest it for more: `sum_of{a, sum_of{b, c}}`.
template <class First, class Second>
struct sum_of {
  First first{};
  Second second{};

  template <class Real>
  requires offset_policy<First, Real> && offset_policy<Second, Real> PREFOPT_HD constexpr Real
  operator()(Real winner_score, Real loser_score) const {
    return Real(first(winner_score, loser_score)) + Real(second(winner_score, loser_score));
  }

  template <class Real>
  PREFOPT_HD constexpr bool accepts(Real winner_score, Real loser_score) const {
    return offset_accepts(first, winner_score, loser_score) &&
           offset_accepts(second, winner_score, loser_score);
  }
};

template <class First, class Second>
sum_of(First, Second) -> sum_of<First, Second>;

static_assert(offset_policy<sum_of<log_diff, constant>>);

}  // namespace prefopt
