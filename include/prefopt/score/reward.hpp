#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <prefopt/core/error.hpp>

namespace prefopt {

/// How a classifier's p(positive) becomes a score.
enum class reward_form {
  probability,  ///< p, in [0, 1]
  paper,        ///< 1 + p where positive, else 1 - p(negative) = p: in [0, 0.5) or [1.5, 2]
};

/// The score of p(positive). The paper's form (Amini et al. 2024, section 6.1: 1 + p(POS) where the
/// classifier says positive, that is p >= 1/2, else 1 - p(NEG)) lifts positive texts by 1, which
/// makes pairs across the boundary differ the most. Throws `usage_error` for p outside [0, 1].
inline double reward(reward_form form, double p) {
  if (!(p >= 0.0 && p <= 1.0)) {
    throw usage_error("reward: p is " + std::to_string(p) + "; expected a probability");
  }
  return form == reward_form::paper && p >= 0.5 ? 1.0 + p : p;
}

/// The form of this name, "probability" or "paper"; nothing for another name.
inline std::optional<reward_form> reward_form_named(std::string_view name) {
  if (name == "probability") return reward_form::probability;
  if (name == "paper") return reward_form::paper;
  return std::nullopt;
}

}  // namespace prefopt
