#pragma once

#include <concepts>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace prefopt {

/// Which of two responses to a prompt is better. `unparsed`: the judge answered, but not with a
/// choice.
enum class verdict { first, second, tie, unparsed };

/// Whoever compares two responses: a person, a language model, a rule.
///
/// 1. `judge(prompt, first, second)` gives a `verdict`. This is the defining operation.
/// 2. A judge that cannot answer at all throws; `unparsed` is for an answer that says nothing.
///
/// A judge that prefers a side for its place should be asked in random order or both ways round
/// (`win_rate` can).
template <class Judge>
concept judge = requires(Judge& j, std::string_view prompt, std::string_view first,
                         std::string_view second) {
  { j(prompt, first, second) } -> std::convertible_to<verdict>;
};

/// What two systems said to the same prompt.
struct comparison {
  std::string prompt;
  std::string first;
  std::string second;
};

/// A judge that works on many questions at once.
///
/// 1. It is a `judge`.
/// 2. `judge(comparisons)` gives the verdicts in their order: those of `judge(c.prompt, c.first,
///    c.second)`.
template <class Judge>
concept batch_judge = judge<Judge> && requires(Judge& j, std::span<const comparison> comparisons) {
  { j(comparisons) } -> std::same_as<std::vector<verdict>>;
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

/// The same verdict with the two responses exchanged.
constexpr verdict exchanged(verdict said) {
  if (said == verdict::first) return verdict::second;
  if (said == verdict::second) return verdict::first;
  return said;
}

}  // namespace prefopt
