#pragma once

#include <concepts>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <prefopt/eval/bootstrap.hpp>

namespace prefopt {

/// Which of two responses to a prompt is better.
enum class verdict { first, second, tie };

/// Whoever compares two responses: a person, a language model, a rule.
///
/// 1. `judge(prompt, first, second)` gives a `verdict`. This is the defining operation.
///
/// A judge that prefers a side for its place should be asked both ways round (`win_rate` can).
template <class Judge>
concept judge = requires(Judge& j, std::string_view prompt, std::string_view first,
                         std::string_view second) {
  { j(prompt, first, second) } -> std::convertible_to<verdict>;
};

/// The smallest judge: the higher score of any scorer of prompt and response wins. It is also how a
/// reward function is turned into a win rate.
template <class Scorer>
struct score_judge {
  Scorer score;

  verdict operator()(std::string_view prompt, std::string_view first, std::string_view second) {
    const double a = score(prompt, first);
    const double b = score(prompt, second);
    if (a == b) return verdict::tie;
    return a > b ? verdict::first : verdict::second;
  }
};
template <class Scorer>
score_judge(Scorer) -> score_judge<Scorer>;

static_assert(judge<score_judge<double (*)(std::string_view, std::string_view)>>);

/// What two systems said to the same prompt.
struct comparison {
  std::string prompt;
  std::string first;
  std::string second;
};

struct win_rate_result {
  mean_estimate rate;  ///< of the first over the second, in [0, 1]; a tie is half a win
  std::size_t wins = 0;
  std::size_t ties = 0;
  std::size_t losses = 0;
};

struct win_rate_options {
  /// Ask with the two exchanged as well. Unless both verdicts name the same winner, it is a tie.
  bool both_orders = false;
  bootstrap_options bootstrap = {};
};

/// How often the first system's response is better. Throws `usage_error` without comparisons.
template <judge Judge>
win_rate_result win_rate(Judge& better, std::span<const comparison> comparisons,
                         const win_rate_options& options = {}) {
  win_rate_result result;
  std::vector<double> values;
  values.reserve(comparisons.size());
  for (const comparison& c : comparisons) {
    verdict said = better(c.prompt, c.first, c.second);
    if (options.both_orders) {
      const verdict again = better(c.prompt, c.second, c.first);
      const bool agree = (said == verdict::first && again == verdict::second) ||
                         (said == verdict::second && again == verdict::first);
      if (!agree) said = verdict::tie;
    }
    result.wins += said == verdict::first ? 1 : 0;
    result.ties += said == verdict::tie ? 1 : 0;
    result.losses += said == verdict::second ? 1 : 0;
    values.push_back(said == verdict::first ? 1.0 : said == verdict::tie ? 0.5 : 0.0);
  }
  result.rate = bootstrap_mean(values, options.bootstrap);
  return result;
}

}  // namespace prefopt
