#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <string>

#include <prefopt/loss/pair_terms.hpp>
#include <prefopt/loss/validate.hpp>
#include <prefopt/train/content_hash.hpp>

namespace prefopt {

namespace detail {

/// To float: a setting that differs shows, the last bits of another compiler's arithmetic do not.
inline float rounded(double x) {
  if (std::isnan(x)) return std::numeric_limits<float>::quiet_NaN();
  constexpr double largest = std::numeric_limits<float>::max();
  if (x > largest) return std::numeric_limits<float>::infinity();
  if (x < -largest) return -std::numeric_limits<float>::infinity();
  return static_cast<float>(x) + 0.0F;  // -0 becomes 0
}

/// Score gaps at which the loss's offset is looked at: ties, inverted pairs, below and above 1.
inline constexpr std::array fingerprint_gaps{1e-3, 0.02, 0.13, 0.3,  0.5,  0.77,  0.95, 1.04, 1.3,
                                             1.9,  2.7,  3.6,  4.4,  5.7,  7.1,   8.6,  11.0, 15.0,
                                             21.0, 34.0, 50.0, 95.0, 98.7, 400.0, -0.4, -6.3};

}  // namespace detail

/// A hash that tells losses and their settings apart by what they do: their values and derivatives
/// at some thousand made-up pairs, and for which scores they have any. Two losses that differ by
/// less than float's precision at all of them, or only beyond them, have the same.
template <pair_loss<double> Loss>
std::string fingerprint(const Loss& loss) {
  struct lengths {
    double winner;
    double loser;
  };
  content_hash hash;
  double target = -3.0;
  for (const double loser_score : {0.37, 5.2, -1.9}) {
    for (const double gap : detail::fingerprint_gaps) {
      const double winner_score = loser_score + gap;
      const bool accepted = accepts_scores(loss, winner_score, loser_score);
      hash.add(std::size_t{accepted});
      if (!accepted) continue;
      for (const double h :
           {0.0, 0.13, -0.17, 1.7, -2.1, 9.3, -8.9, 33.0, -37.0, 210.0, -190.0, 3100.0, -2900.0}) {
        for (const double reference : {0.21, -5.3, 61.0}) {
          for (const auto [winner, loser] :
               {lengths{7.0, 9.0}, lengths{1.0, 40.0}, lengths{300.0, 12.0}}) {
            target -= 0.01;
            const pair_gradient<double> result = loss({.policy_winner = -200.0 + 0.3 * h,
                                                       .policy_loser = -201.0 - 0.7 * h,
                                                       .reference_winner = -200.0 + reference,
                                                       .reference_loser = -201.0 + 0.9 * reference,
                                                       .winner_score = winner_score,
                                                       .loser_score = loser_score,
                                                       .winner_tokens = winner,
                                                       .loser_tokens = loser,
                                                       .policy_target = target});
            const std::array numbers{detail::rounded(result.value), detail::rounded(result.winner),
                                     detail::rounded(result.loser), detail::rounded(result.target)};
            hash.add(std::span<const float>(numbers));
          }
        }
      }
    }
  }
  return hash.text();
}

}  // namespace prefopt
