#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <prefopt/core/random.hpp>

/// A corpus that needs no download: a small grammar of film reviews, half of them positive. It has
/// about 230 words; phrases and clauses contain phrases and clauses.
namespace prefopt::embedded {

/// A review and what it thinks of the film.
struct labelled_review {
  std::string text;
  bool positive = false;
};

namespace detail {

using words = std::span<const std::string_view>;

inline constexpr std::array<std::string_view, 20> aspects{
    "acting", "story",   "plot",    "script",  "music",   "ending",        "dialogue",
    "camera", "humour",  "opening", "cast",    "pacing",  "direction",     "lighting",
    "sound",  "editing", "romance", "mystery", "setting", "main character"};
inline constexpr std::array<std::string_view, 10> films{
    "film",     "movie",   "sequel",      "comedy", "drama",
    "thriller", "western", "documentary", "remake", "picture"};
inline constexpr std::array<std::string_view, 12> people{
    "my sister", "my brother", "my wife",     "my friend",   "the critic", "my father",
    "my mother", "everyone",   "our teacher", "a neighbour", "my husband", "the whole family"};
inline constexpr std::array<std::string_view, 10> times{
    "last night", "on Sunday", "yesterday", "in the cinema", "at home",
    "on a plane", "last week", "years ago", "on television", "with friends"};

inline constexpr std::array<std::string_view, 24> good{
    "great",      "wonderful", "brilliant", "superb",    "moving",  "charming",
    "funny",      "beautiful", "clever",    "excellent", "fresh",   "touching",
    "gripping",   "perfect",   "lovely",    "warm",      "amazing", "honest",
    "delightful", "fantastic", "smart",     "elegant",   "rich",    "memorable"};
inline constexpr std::array<std::string_view, 24> bad{
    "awful",  "boring",   "terrible", "dull",    "stupid",   "weak",       "horrible", "flat",
    "clumsy", "cheap",    "painful",  "lazy",    "tedious",  "ridiculous", "poor",     "ugly",
    "messy",  "annoying", "hollow",   "shallow", "lifeless", "silly",      "bland",    "dreadful"};
inline constexpr std::array<std::string_view, 8> degrees{"very", "really", "truly",      "quite",
                                                         "so",   "rather", "absolutely", "simply"};

inline constexpr std::array<std::string_view, 8> good_verbs{
    "loved", "enjoyed", "adored", "admired", "praised", "liked", "treasured", "recommended"};
inline constexpr std::array<std::string_view, 8> bad_verbs{
    "hated", "disliked", "regretted", "despised", "mocked", "endured", "cursed", "rejected"};
inline constexpr std::array<std::string_view, 9> good_endings{
    "I would watch it again",     "it deserves every prize",        "it made me smile",
    "I left with a big smile",    "you should not miss it",         "it is worth every minute",
    "I was happy from the start", "it is one of my favourites now", "it stayed with me for days"};
inline constexpr std::array<std::string_view, 9> bad_endings{
    "I want my money back",       "it was a waste of time",     "it made me yawn",
    "I left before the end",      "you should avoid it",        "it is not worth a minute",
    "I was bored from the start", "it is one of the worst now", "I fell asleep after an hour"};
inline constexpr std::array<std::string_view, 8> neutral{
    "it runs for two hours",       "it was made in the nineties", "it takes place in a small town",
    "the hero is a young doctor",  "it is based on a book",       "there are three songs in it",
    "most of it happens at night", "we sat in the third row"};

/// What an opening leaves to be said.
enum class rest { adjective, clause };

inline std::string_view choose(words from, random_stream& random) {
  return from[static_cast<std::size_t>(random.below(static_cast<std::uint32_t>(from.size())))];
}

inline std::string joined(std::initializer_list<std::string_view> parts) {
  std::string text;
  for (const std::string_view part : parts) {
    if (!text.empty() && part != "," && part != ".") text += ' ';
    text += part;
  }
  return text;
}

/// adjectives -> adjective | degree adjective | adjectives "and" adjective
inline std::string adjectives(bool positive, random_stream& random) {
  const words from = positive ? words(good) : words(bad);
  if (random.uniform() < 0.2) {
    const std::string first = adjectives(positive, random);
    return joined({first, "and", choose(from, random)});
  }
  if (random.uniform() < 0.4) return joined({choose(degrees, random), choose(from, random)});
  return std::string(choose(from, random));
}

/// thing -> "the" aspect | "the" aspect "of the" film | "this" film
inline std::string thing(random_stream& random) {
  const double which = random.uniform();
  if (which < 0.4) return joined({"the", choose(aspects, random)});
  if (which < 0.7) {
    return joined({"the", choose(aspects, random), "of the", choose(films, random)});
  }
  return joined({"this", choose(films, random)});
}

/// clause -> thing "was" adjectives | person verb thing | ending | clause "and" clause
///         | clause "because" clause | "although" neutral "," clause
inline std::string clause(bool positive, random_stream& random) {
  const double which = random.uniform();
  if (which < 0.35) return joined({thing(random), "was", adjectives(positive, random)});
  if (which < 0.55) {
    const words verbs = positive ? words(good_verbs) : words(bad_verbs);
    return joined({choose(people, random), choose(verbs, random), thing(random)});
  }
  if (which < 0.8)
    return std::string(choose(positive ? words(good_endings) : words(bad_endings), random));
  if (which < 0.9) {
    const std::string first = clause(positive, random);
    const std::string_view link = random.uniform() < 0.5 ? "and" : "because";
    return joined({first, link, clause(positive, random)});
  }
  return joined({"although", choose(neutral, random), ",", clause(positive, random)});
}

struct opening {
  std::string text;
  rest missing = rest::clause;
};

/// Every opening, in a fixed shuffled order: neutral, with the judgement still to come.
inline const std::vector<opening>& all_openings() {
  static const std::vector<opening> all = [] {
    std::vector<opening> made;
    const auto add = [&](rest missing, std::initializer_list<std::string_view> parts) {
      made.push_back({joined(parts), missing});
    };
    for (const auto aspect : aspects) {
      for (const auto film : films) {
        add(rest::adjective, {"The", aspect, "of this", film, "was"});
      }
      for (const auto person : people) {
        add(rest::adjective, {"I told", person, "that the", aspect, "was"});
      }
    }
    for (const auto film : films) {
      for (const auto time : times) {
        add(rest::clause, {"I saw this", film, time, "and"});
        add(rest::adjective, {"This", film, "that I saw", time, "was"});
      }
      for (const auto person : people) {
        add(rest::clause, {"I watched the", film, "with", person, "and"});
      }
      for (const auto fact : neutral) add(rest::clause, {"I saw the", film, ",", fact, "and"});
    }
    random_stream random(20240216);
    shuffle(made, random);
    return made;
  }();
  return all;
}

inline std::string capitalised(std::string text) {
  if (!text.empty() && text[0] >= 'a' && text[0] <= 'z') text[0] = static_cast<char>(text[0] - 32);
  return text;
}

}  // namespace detail

/// All openings (several hundred, no two alike) as prompts. They say nothing good or bad.
inline std::vector<std::string> openings() {
  std::vector<std::string> texts;
  for (const auto& opening : detail::all_openings()) texts.push_back(opening.text);
  return texts;
}

/// A review of a few sentences: an opening, its judgement, perhaps more of the same, now and
/// then a neutral sentence. Positive with probability 1/2.
inline labelled_review generate(random_stream& random) {
  labelled_review review;
  review.positive = random.uniform() < 0.5;
  const auto& all = detail::all_openings();
  const auto& start =
      all[static_cast<std::size_t>(random.below(static_cast<std::uint32_t>(all.size())))];
  const std::string judgement = start.missing == detail::rest::adjective
                                    ? detail::adjectives(review.positive, random)
                                    : detail::clause(review.positive, random);
  review.text = detail::joined({start.text, judgement, "."});
  while (random.uniform() < 0.4) {
    const std::string sentence = random.uniform() < 0.25
                                     ? std::string(detail::choose(detail::neutral, random))
                                     : detail::clause(review.positive, random);
    review.text += " " + detail::capitalised(sentence) + ".";
  }
  return review;
}

}  // namespace prefopt::embedded
