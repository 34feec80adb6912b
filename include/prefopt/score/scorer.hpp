#pragma once

#include <concepts>
#include <string_view>

namespace prefopt {

/// What says how good a response is: a rule, a classifier, a service.
///
/// 1. `scorer(prompt, response)` gives the score of a response text to a prompt text as a number;
///    higher is better. This is the defining operation, so a function or a lambda is a scorer.
/// 2. The same texts get the same score.
/// 3. A score is finite; logarithmic offsets ask for more (positive ones, say) and check it.
template <class Scorer>
concept scorer = requires(const Scorer& s, std::string_view prompt, std::string_view response) {
  { s(prompt, response) } -> std::convertible_to<double>;
};

/// The smallest scorer, for tests and baselines: longer is better.
struct length_scorer {
  double operator()(std::string_view, std::string_view response) const {
    return static_cast<double>(response.size());
  }
};

static_assert(scorer<length_scorer>);
static_assert(scorer<double (*)(std::string_view, std::string_view)>);

}  // namespace prefopt
