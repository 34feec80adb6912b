#pragma once

#include <optional>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

namespace prefopt::detail {

// VADER's constants (Hutto and Gilbert 2014, "VADER: A Parsimonious Rule-based Model for Sentiment
// Analysis of Social Media Text"), measured by its authors.

inline constexpr double booster_step = 0.293;
inline constexpr double capitals_step = 0.733;
inline constexpr double negation_factor = -0.74;
inline constexpr double compound_alpha = 15.0;  // compound = s / sqrt(s^2 + alpha)

/// What the word, or words, before a valued one add to it; 0: they are no degree words.
inline double booster(std::string_view words) {
  static const std::unordered_set<std::string_view> stronger{
      "absolutely",   "amazingly",  "awfully",      "completely",    "considerable",
      "considerably", "decidedly",  "deeply",       "effing",        "enormous",
      "enormously",   "entirely",   "especially",   "exceptional",   "exceptionally",
      "extreme",      "extremely",  "fabulously",   "flipping",      "flippin",
      "frackin",      "fracking",   "fricking",     "frickin",       "frigging",
      "friggin",      "fully",      "fuckin",       "fucking",       "fuggin",
      "fugging",      "greatly",    "hella",        "highly",        "hugely",
      "incredible",   "incredibly", "intensely",    "major",         "majorly",
      "more",         "most",       "particularly", "purely",        "quite",
      "really",       "remarkably", "so",           "substantially", "thoroughly",
      "total",        "totally",    "tremendous",   "tremendously",  "uber",
      "unbelievably", "unusually",  "utter",        "utterly",       "very"};
  static const std::unordered_set<std::string_view> weaker{
      "almost",     "barely",       "hardly",  "just enough", "kind of",  "kinda",
      "kindof",     "kind-of",      "less",    "little",      "marginal", "marginally",
      "occasional", "occasionally", "partly",  "scarce",      "scarcely", "slight",
      "slightly",   "somewhat",     "sort of", "sorta",       "sortof",   "sort-of"};
  if (stronger.contains(words)) return booster_step;
  if (weaker.contains(words)) return -booster_step;
  return 0.0;
}

/// Whether a word in lower case turns what follows into its opposite.
inline bool is_negation(std::string_view word) {
  static const std::unordered_set<std::string_view> negations{
      "aint",    "arent",   "cannot",   "cant",   "couldnt", "darent",  "didnt",   "doesnt",
      "dont",    "hadnt",   "hasnt",    "havent", "isnt",    "mightnt", "mustnt",  "neither",
      "neednt",  "never",   "none",     "nope",   "nor",     "not",     "nothing", "nowhere",
      "oughtnt", "shant",   "shouldnt", "uhuh",   "wasnt",   "werent",  "uh-uh",   "without",
      "wont",    "wouldnt", "rarely",   "seldom", "despite"};
  return negations.contains(word) || word.find("n't") != std::string_view::npos;
}

/// Valence of a phrase that means something else than its words.
inline std::optional<double> phrase_valence(std::string_view words) {
  static const std::unordered_map<std::string_view, double> phrases{
      {"the shit", 3.0},       {"the bomb", 3.0},   {"bad ass", 1.5},
      {"badass", 1.5},         {"bus stop", 0.0},   {"yeah right", -2.0},
      {"kiss of death", -1.5}, {"to die for", 3.0}, {"beating heart", 3.5}};
  const auto found = phrases.find(words);
  if (found == phrases.end()) return std::nullopt;
  return found->second;
}

}  // namespace prefopt::detail
