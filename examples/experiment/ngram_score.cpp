#include "ngram_score.hpp"

#include <cstddef>
#include <iostream>

namespace experiment {

std::filesystem::path classifier_file(const options& chosen) {
  return std::filesystem::path(chosen.out) / "classifier.safetensors";
}

prefopt::ngram_classifier ngram_classifier_of(const std::vector<prefopt::labelled_text>& texts,
                                              const options& chosen) {
  const auto file = classifier_file(chosen);
  if (std::filesystem::exists(file)) return prefopt::ngram_classifier::load(file);
  std::cerr << "training the n-gram classifier on " << texts.size() << " texts\n";
  return prefopt::train_ngram_classifier(texts, {});
}

double accuracy(const prefopt::ngram_classifier& of,
                const std::vector<prefopt::labelled_text>& texts) {
  std::size_t right = 0;
  for (const auto& each : texts) right += (of.probability(each.text) >= 0.5) == each.positive;
  return static_cast<double>(right) / static_cast<double>(texts.size());
}

}  // namespace experiment
