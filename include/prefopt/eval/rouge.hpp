#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace prefopt {

/// Overlap of a text with a reference; all three are in [0, 1], and 0 where either has no words.
struct rouge_score {
  double precision = 0.0;  ///< of the text's words, the share that is found
  double recall = 0.0;     ///< of the reference's
  double f = 0.0;          ///< their harmonic mean
};

namespace detail {

/// Runs of ASCII letters and digits in lower case: the words that ROUGE counts.
inline std::vector<std::string> rouge_words(std::string_view text) {
  std::vector<std::string> words;
  bool inside = false;
  for (const char c : text) {
    const bool upper = c >= 'A' && c <= 'Z';
    const bool part = upper || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (part && !inside) words.emplace_back();
    if (part) words.back() += upper ? static_cast<char>(c - 'A' + 'a') : c;
    inside = part;
  }
  return words;
}

inline std::size_t longest_common_subsequence(const std::vector<std::string>& a,
                                              const std::vector<std::string>& b) {
  std::vector<std::size_t> row(b.size() + 1, 0);  // lengths for a's words so far, b's first j
  for (const std::string& word : a) {
    std::size_t diagonal = 0;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t above = row[j];
      row[j] = word == b[j - 1] ? diagonal + 1 : std::max(above, row[j - 1]);
      diagonal = above;
    }
  }
  return row.back();
}

}  // namespace detail

/// ROUGE-L (Lin 2004) of a text against a reference, from the longest common subsequence L of their
/// words, in Google's reading of it (the PyPI package rouge-score without stemming):
///
///     precision = L / words of the text    recall = L / words of the reference
///     f = 2 precision recall / (precision + recall)
///
/// It sees shared words in order and nothing of meaning: a measure of overlap, not of quality.
inline rouge_score rouge_l(std::string_view text, std::string_view reference) {
  const auto words = detail::rouge_words(text);
  const auto expected = detail::rouge_words(reference);
  if (words.empty() || expected.empty()) return {};
  const auto common = static_cast<double>(detail::longest_common_subsequence(words, expected));
  if (common == 0.0) return {};
  rouge_score score;
  score.precision = common / static_cast<double>(words.size());
  score.recall = common / static_cast<double>(expected.size());
  score.f = 2.0 * score.precision * score.recall / (score.precision + score.recall);
  return score;
}

}  // namespace prefopt
