#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <prefopt/score/lexicon_file.hpp>
#include <prefopt/score/scorer.hpp>

namespace prefopt {

/// Scores how positive a text is by the valences of its words and VADER's rules: degree words,
/// negation, capitals, `!` and `?`, "but", "least", some phrases. The score is
/// (compound + 1) / 2, in (0, 1); 1/2 is neutral.
class lexicon_scorer {
 public:
  /// `emojis`: read as what they are called; without them an emoji is a word like others.
  explicit lexicon_scorer(valence_lexicon words, emoji_names emojis = {});

  /// From a file in VADER's format; throws `data_error`.
  explicit lexicon_scorer(const std::filesystem::path& file);

  /// Of the response alone.
  double operator()(std::string_view, std::string_view response) const {
    return (compound(response) + 1.0) / 2.0;
  }

  /// VADER's compound valence in [-1, 1], which the Python package vaderSentiment rounds to four
  /// digits: s / sqrt(s^2 + 15), s the sum of the words' valences with emphasis by punctuation.
  [[nodiscard]] double compound(std::string_view text) const;

 private:
  struct sentence {
    std::vector<std::string> words;  // lower case
    std::vector<bool> capitals;      // the word is all capitals
    bool mixed = false;              // some words are all capitals and some are not
  };

  static sentence read(std::string_view text);

  /// Characters that are emojis become their descriptions, with a space before where there is none.
  [[nodiscard]] std::string spell_emojis(std::string_view text) const;

  [[nodiscard]] bool known(std::string_view word) const;

  /// Of word i with what the three words before it do to it.
  [[nodiscard]] double valence(const sentence& s, std::size_t i) const;

  /// What word `before` adds to `value` if it is a degree word.
  static double degree(const sentence& s, std::size_t before, double value);

  static double negate(const std::vector<std::string>& words, std::size_t i, std::size_t distance,
                       double value);

  /// Phrases around word i, which has three before it.
  static double phrases(const std::vector<std::string>& words, std::size_t i, double value);

  /// "least" negates the next word, but not in "at least" and "very least".
  double least(const std::vector<std::string>& words, std::size_t i, double value) const;

  /// What comes before the first "but" counts half, what comes after half as much again. VADER
  /// finds the place of a valence by its value, so of equal ones the first is changed, again and
  /// again; its published behaviour has this, so we have it too.
  static void weigh_around_but(const sentence& s, std::vector<double>& valences);

  static double punctuation_emphasis(std::string_view text);

  valence_lexicon lexicon_;
  emoji_names emojis_;
};

static_assert(scorer<lexicon_scorer>);

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/score/lexicon_scorer.ipp>
#endif
