#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <prefopt/core/error.hpp>
#include <prefopt/core/stream_purpose.hpp>
#include <prefopt/eval/bootstrap.hpp>
#include <prefopt/eval/judge.hpp>

namespace prefopt {

struct win_rate_result {
  /// Of the first over the second, in [0, 1]; a tie is half a win. Its count is 0, and it says
  /// nothing, where no verdict could be read.
  mean_estimate rate;
  std::size_t wins = 0;
  std::size_t ties = 0;
  std::size_t losses = 0;
  std::size_t unparsed = 0;  ///< left out of the rate
};

/// Which response the judge sees first.
enum class judge_order {
  as_given,
  random,  ///< by the seed, for each comparison on its own
  both,    ///< asked twice; unless both verdicts name the same winner, it is a tie
};

struct win_rate_options {
  judge_order order = judge_order::as_given;
  std::uint64_t seed = 1;  ///< of `judge_order::random`
  bootstrap_options bootstrap = {};
};

namespace detail {

/// The questions that a comparison becomes, in the order of comparisons: one, or two for `both`.
struct judge_questions {
  std::vector<comparison> asked;
  std::vector<bool> turned;  // whether the comparison's second response is shown first
};

inline judge_questions make_judge_questions(std::span<const comparison> comparisons,
                                            const win_rate_options& options) {
  judge_questions questions;
  const auto add = [&](const comparison& c, bool turned) {
    questions.asked.push_back(turned ? comparison{c.prompt, c.second, c.first} : c);
    questions.turned.push_back(turned);
  };
  for (std::size_t i = 0; i < comparisons.size(); ++i) {
    auto random = stream_for(stream_purpose::judge, options.seed, static_cast<std::uint32_t>(i));
    add(comparisons[i], options.order == judge_order::random && random.below(2) == 1);
    if (options.order == judge_order::both) add(comparisons[i], true);
  }
  return questions;
}

inline verdict agreed(verdict once, verdict again) {
  if (once == verdict::unparsed || again == verdict::unparsed) return verdict::unparsed;
  return once == again ? once : verdict::tie;
}

}  // namespace detail

/// How often the first system's response is better. A `batch_judge` gets all the questions at once.
/// Throws `usage_error` without comparisons.
template <judge Judge>
win_rate_result win_rate(Judge& better, std::span<const comparison> comparisons,
                         const win_rate_options& options = {}) {
  if (comparisons.empty()) throw usage_error("win rate: there are no comparisons");
  const auto questions = detail::make_judge_questions(comparisons, options);
  std::vector<verdict> said;
  if constexpr (batch_judge<Judge>) {
    said = better(std::span<const comparison>(questions.asked));
  } else {
    for (const comparison& c : questions.asked) said.push_back(better(c.prompt, c.first, c.second));
  }
  const auto straight = [&](std::size_t q) {
    return questions.turned[q] ? exchanged(said[q]) : said[q];
  };
  win_rate_result result;
  std::vector<double> values;
  const std::size_t each = options.order == judge_order::both ? 2 : 1;
  for (std::size_t q = 0; q < said.size(); q += each) {
    const verdict found = detail::agreed(straight(q), straight(q + each - 1));
    result.wins += found == verdict::first ? 1 : 0;
    result.ties += found == verdict::tie ? 1 : 0;
    result.losses += found == verdict::second ? 1 : 0;
    result.unparsed += found == verdict::unparsed ? 1 : 0;
    if (found == verdict::unparsed) continue;
    values.push_back(found == verdict::first ? 1.0 : found == verdict::tie ? 0.5 : 0.0);
  }
  if (!values.empty()) result.rate = bootstrap_mean(values, options.bootstrap);
  return result;
}

}  // namespace prefopt
