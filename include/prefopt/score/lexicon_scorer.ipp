#pragma once

#include <prefopt/score/lexicon_scorer.hpp>

#include <algorithm>
#include <cmath>
#include <utility>

#include <prefopt/core/config.hpp>
#include <prefopt/score/lexicon_rules.hpp>
#include <prefopt/score/words.hpp>

namespace prefopt {

PREFOPT_INLINE lexicon_scorer::lexicon_scorer(valence_lexicon words, emoji_names emojis)
    : lexicon_(std::move(words)), emojis_(std::move(emojis)) {}

PREFOPT_INLINE lexicon_scorer::lexicon_scorer(const std::filesystem::path& file)
    : lexicon_scorer(read_valence_lexicon(file)) {}

PREFOPT_INLINE double lexicon_scorer::compound(std::string_view text) const {
  const std::string spelled = emojis_.empty() ? std::string(text) : spell_emojis(text);
  const sentence s = read(spelled);
  std::vector<double> valences(s.words.size());
  for (std::size_t i = 0; i < s.words.size(); ++i) valences[i] = valence(s, i);
  weigh_around_but(s, valences);
  double sum = 0.0;
  for (const double v : valences) sum += v;
  const double emphasis = punctuation_emphasis(spelled);
  if (sum > 0.0) sum += emphasis;
  if (sum < 0.0) sum -= emphasis;
  return sum / std::sqrt(sum * sum + detail::compound_alpha);
}

PREFOPT_INLINE lexicon_scorer::sentence lexicon_scorer::read(std::string_view text) {
  sentence s;
  std::size_t capital_words = 0;
  for (const std::string_view raw : detail::split_words(text)) {
    const std::string_view word = detail::strip_punctuation(raw);
    s.words.push_back(detail::lower_case(word));
    s.capitals.push_back(detail::is_upper_case(word));
    capital_words += s.capitals.back() ? 1 : 0;
  }
  s.mixed = capital_words > 0 && capital_words < s.words.size();
  return s;
}

PREFOPT_INLINE std::string lexicon_scorer::spell_emojis(std::string_view text) const {
  std::string result;
  bool after_space = true;
  for (std::size_t begin = 0; begin < text.size();) {
    std::size_t end = begin + 1;
    while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) ++end;
    const std::string_view character = text.substr(begin, end - begin);
    const auto found = emojis_.find(character);
    if (found != emojis_.end()) {
      if (!after_space) result += ' ';
      result += found->second;
      after_space = false;
    } else {
      result += character;
      after_space = character == " ";
    }
    begin = end;
  }
  return result;
}

PREFOPT_INLINE bool lexicon_scorer::known(std::string_view word) const {
  return lexicon_.contains(word);
}

PREFOPT_INLINE double lexicon_scorer::valence(const sentence& s, std::size_t i) const {
  const auto& words = s.words;
  if (detail::booster(words[i]) != 0.0) return 0.0;
  const bool has_next = i + 1 < words.size();
  if (words[i] == "kind" && has_next && words[i + 1] == "of") return 0.0;
  const auto found = lexicon_.find(words[i]);
  if (found == lexicon_.end()) return 0.0;

  double value = found->second;
  // "no" before a valued word negates it and has no value itself.
  if (words[i] == "no" && has_next && known(words[i + 1])) value = 0.0;
  if ((i > 0 && words[i - 1] == "no") || (i > 1 && words[i - 2] == "no") ||
      (i > 2 && words[i - 3] == "no" && (words[i - 1] == "or" || words[i - 1] == "nor"))) {
    value = found->second * detail::negation_factor;
  }
  if (s.capitals[i] && s.mixed) {
    value += value > 0.0 ? detail::capitals_step : -detail::capitals_step;
  }
  constexpr double fade[] = {1.0, 0.95, 0.9};  // of a degree word, by its distance
  for (std::size_t distance = 1; distance <= 3 && distance <= i; ++distance) {
    const std::size_t before = i - distance;
    if (known(words[before])) continue;
    value += degree(s, before, value) * fade[distance - 1];
    value = negate(words, i, distance, value);
    if (distance == 3) value = phrases(words, i, value);
  }
  return least(words, i, value);
}

PREFOPT_INLINE double lexicon_scorer::degree(const sentence& s, std::size_t before, double value) {
  double step = detail::booster(s.words[before]);
  if (step == 0.0) return 0.0;
  if (value < 0.0) step = -step;
  if (s.capitals[before] && s.mixed) {
    step += value > 0.0 ? detail::capitals_step : -detail::capitals_step;
  }
  return step;
}

PREFOPT_INLINE double lexicon_scorer::negate(const std::vector<std::string>& words, std::size_t i,
                                             std::size_t distance, double value) {
  const auto so = [&](std::size_t back) {
    return words[i - back] == "so" || words[i - back] == "this";
  };
  const std::string& word = words[i - distance];
  if (distance == 2) {
    if (word == "never" && so(1)) return value * 1.25;
    if (word == "without" && words[i - 1] == "doubt") return value;
  }
  if (distance == 3) {
    if ((word == "never" && so(2)) || so(1)) return value * 1.25;
    if (word == "without" && (words[i - 2] == "doubt" || words[i - 1] == "doubt")) return value;
  }
  return detail::is_negation(word) ? value * detail::negation_factor : value;
}

PREFOPT_INLINE double lexicon_scorer::phrases(const std::vector<std::string>& words, std::size_t i,
                                              double value) {
  const auto join = [&](std::size_t first, std::size_t last) {
    std::string text = words[first];
    for (std::size_t n = first + 1; n <= last; ++n) text += ' ' + words[n];
    return text;
  };
  const std::pair<std::size_t, std::size_t> places[] = {
      {i - 1, i}, {i - 2, i}, {i - 2, i - 1}, {i - 3, i - 1}, {i - 3, i - 2}};
  for (const auto& [first, last] : places) {
    if (const auto found = detail::phrase_valence(join(first, last))) {
      value = *found;
      break;
    }
  }
  for (std::size_t last = i + 1; last <= i + 2 && last < words.size(); ++last) {
    value = detail::phrase_valence(join(i, last)).value_or(value);
  }
  return value + detail::booster(join(i - 3, i - 1)) + detail::booster(join(i - 3, i - 2)) +
         detail::booster(join(i - 2, i - 1));
}

PREFOPT_INLINE double lexicon_scorer::least(const std::vector<std::string>& words, std::size_t i,
                                            double value) const {
  if (i == 0 || words[i - 1] != "least" || known("least")) return value;
  if (i > 1 && (words[i - 2] == "at" || words[i - 2] == "very")) return value;
  return value * detail::negation_factor;
}

PREFOPT_INLINE void lexicon_scorer::weigh_around_but(const sentence& s,
                                                     std::vector<double>& valences) {
  const auto found = std::find(s.words.begin(), s.words.end(), "but");
  if (found == s.words.end()) return;
  const auto but = found - s.words.begin();
  for (const double& current : valences) {
    const auto place = std::find(valences.begin(), valences.end(), current);
    const auto index = place - valences.begin();
    if (index < but) *place *= 0.5;
    if (index > but) *place *= 1.5;
  }
}

PREFOPT_INLINE double lexicon_scorer::punctuation_emphasis(std::string_view text) {
  const auto exclamations = std::count(text.begin(), text.end(), '!');
  const auto questions = std::count(text.begin(), text.end(), '?');
  double emphasis = 0.292 * static_cast<double>(std::min<std::ptrdiff_t>(exclamations, 4));
  if (questions > 3) {
    emphasis += 0.96;
  } else if (questions > 1) {
    emphasis += 0.18 * static_cast<double>(questions);
  }
  return emphasis;
}

}  // namespace prefopt
