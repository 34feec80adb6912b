#pragma once

#include <filesystem>
#include <vector>

#include <prefopt/score/ngram_classifier.hpp>

#include "options.hpp"

namespace experiment {

/// Where a run keeps the n-gram classifier that scores its responses.
std::filesystem::path classifier_file(const options& chosen);

/// Trains the classifier, or reads the one that this run has trained before.
prefopt::ngram_classifier ngram_classifier_of(const std::vector<prefopt::labelled_text>& texts,
                                              const options& chosen);

/// The share of texts that the classifier is right about.
double accuracy(const prefopt::ngram_classifier& of,
                const std::vector<prefopt::labelled_text>& texts);

}  // namespace experiment
