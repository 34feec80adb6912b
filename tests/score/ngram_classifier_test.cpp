#include <prefopt/score/ngram_classifier.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <prefopt/model/safetensors_writer.hpp>
#include <prefopt/score/classifier_scorer.hpp>

#include "support/data.hpp"
#include "support/temporary_folder.hpp"

namespace prefopt {
namespace {

struct texts {
  std::vector<std::string> kept;
  std::vector<bool> labels;
  [[nodiscard]] std::vector<labelled_text> views() const {
    std::vector<labelled_text> list;
    for (std::size_t i = 0; i < kept.size(); ++i) list.push_back({kept[i], labels[i]});
    return list;
  }
};

/// Sentences whose label is decided by a bigram, "not good" against "good", not by a word.
texts small_texts() {
  texts all;
  const char* things[] = {"film", "plot", "cast", "end", "music", "idea", "joke", "scene"};
  for (const char* thing : things) {
    for (const bool good : {true, false}) {
      all.kept.push_back("The " + std::string(thing) + (good ? " was good" : " was not good"));
      all.kept.push_back("The " + std::string(thing) + (good ? " was not bad" : " was bad"));
      all.labels.insert(all.labels.end(), 2, good);
    }
  }
  return all;
}

double accuracy(const ngram_classifier& classifier, const std::vector<labelled_text>& list) {
  std::size_t right = 0;
  for (const auto& [text, positive] : list) {
    right += (classifier.probability(text) >= 0.5) == positive ? 1 : 0;
  }
  return static_cast<double>(right) / static_cast<double>(list.size());
}

/// The Large Movie Review Dataset as tab-separated text: split, label, stars, id, text.
texts read_reviews(const std::filesystem::path& path) {
  const std::string command = "xz --decompress --stdout '" + path.string() + "'";
  const auto close = [](FILE* pipe) { return ::pclose(pipe); };
  const std::unique_ptr<FILE, decltype(close)> pipe(::popen(command.c_str(), "r"), close);
  if (!pipe) throw std::runtime_error("xz cannot be run");
  std::string all;
  char part[1 << 16];
  for (std::size_t n = 0; (n = std::fread(part, 1, sizeof part, pipe.get())) > 0;) {
    all.append(part, n);
  }
  texts result;
  std::size_t begin = all.find('\n') + 1;  // after the header
  while (begin < all.size()) {
    const std::size_t end = std::min(all.find('\n', begin), all.size());
    const std::size_t label = all.find('\t', begin) + 1;
    const std::size_t text = all.rfind('\t', end) + 1;
    result.labels.push_back(all[label] == '1');
    result.kept.push_back(all.substr(text, end - text));
    begin = end + 1;
  }
  return result;
}

TEST(NgramClassifier, LearnsFromBigrams) {
  const auto all = small_texts();
  const auto views = all.views();
  const ngram_options options{.bits = 14, .epochs = 30};
  std::vector<double> losses;
  const auto classifier = train_ngram_classifier(
      views, options, [&](std::size_t, double loss) { losses.push_back(loss); });
  EXPECT_EQ(accuracy(classifier, views), 1.0);
  EXPECT_GT(classifier.probability("This book was good"), 0.5);  // unseen words around it
  EXPECT_LT(classifier.probability("This book was not good"), 0.5);
  ASSERT_EQ(losses.size(), 30U);
  EXPECT_LT(losses.back(), losses.front());

  const classifier_scorer scorer(classifier, reward_form::paper);
  EXPECT_DOUBLE_EQ(scorer("not bad", "was good"), 1.0 + classifier.probability("was good"));
}

TEST(NgramClassifier, SameTextsOptionsAndSeedGiveTheSameWeights) {
  const auto all = small_texts();
  const auto views = all.views();
  const auto a = train_ngram_classifier(views, {.bits = 12});
  const auto b = train_ngram_classifier(views, {.bits = 12});
  const auto c = train_ngram_classifier(views, {.bits = 12, .seed = 1});
  EXPECT_TRUE(std::equal(a.weights().begin(), a.weights().end(), b.weights().begin()));
  EXPECT_EQ(a.bias(), b.bias());
  EXPECT_FALSE(std::equal(a.weights().begin(), a.weights().end(), c.weights().begin()));
}

TEST(NgramClassifier, ProbabilityIsTheFormula) {
  std::vector<float> weights(256);
  std::vector<std::uint32_t> buckets;
  word_ngrams(8, 2)("very good", buckets);
  ASSERT_EQ(buckets.size(), 3U);
  double sum = 0.0;
  for (const auto b : buckets)
    sum += static_cast<double>(weights[b] = 0.1F * static_cast<float>(1 + b));
  const ngram_classifier classifier(8, 2, weights, -3.0F);
  EXPECT_DOUBLE_EQ(classifier.probability("very good"),
                   1.0 / (1.0 + std::exp(3.0 - sum / std::sqrt(3.0))));
  EXPECT_DOUBLE_EQ(classifier.probability(" ."), 1.0 / (1.0 + std::exp(3.0)));
}

TEST(NgramClassifier, SavesAndLoads) {
  const test::temporary_folder folder;
  const auto path = folder / "ngrams.safetensors";
  const auto all = small_texts();
  const auto saved = train_ngram_classifier(all.views(), {.bits = 12, .longest = 3});
  saved.save(path);
  const auto loaded = ngram_classifier::load(path);
  for (const auto& text : all.kept) {
    EXPECT_EQ(loaded.probability(text), saved.probability(text));
  }
  // A file cut short, another kind of file, and no file.
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 4);
  EXPECT_THROW((void)ngram_classifier::load(path), checkpoint_error);
  const float one = 1.0F;
  write_safetensors(path, std::vector<named_tensor>{{"bias", {1}, std::span(&one, 1)}});
  EXPECT_THROW((void)ngram_classifier::load(path), checkpoint_error);
  std::filesystem::remove(path);
  EXPECT_THROW((void)ngram_classifier::load(path), data_error);
}

TEST(NgramClassifier, WhatCannotBeIsRefused) {
  const auto all = small_texts();
  const auto views = all.views();
  EXPECT_THROW(train_ngram_classifier(views, {.bits = 30}), usage_error);
  EXPECT_THROW(train_ngram_classifier(views, {.longest = 0}), usage_error);
  EXPECT_THROW(train_ngram_classifier(views, {.epochs = 0}), usage_error);
  EXPECT_THROW(train_ngram_classifier(views, {.learning_rate = 0.0}), usage_error);
  EXPECT_THROW(train_ngram_classifier(std::span(views).first(2)), usage_error);  // one label
  EXPECT_THROW(train_ngram_classifier({}), usage_error);
  EXPECT_THROW(ngram_classifier(8, 2, std::vector<float>(7), 0.0F), usage_error);
}

TEST(NgramClassifier, ReachesItsAccuracyOnImdb) {
#ifdef PREFOPT_ADDRESS_SANITIZER
  GTEST_SKIP() << "SKIPPED: too long under the sanitizers";
#endif
  const auto train_file = test::real_data("sentiment/imdb_train_25000.tsv.xz");
  const auto test_file = test::real_data("sentiment/imdb_test_25000.tsv.xz");
  PREFOPT_SKIP_WITHOUT(train_file && test_file, "IMDB's reviews");
  const texts train = read_reviews(*train_file);
  const texts held_out = read_reviews(*test_file);
  ASSERT_EQ(train.kept.size(), 25000U);
  ASSERT_EQ(held_out.kept.size(), 25000U);
  const auto start = std::chrono::steady_clock::now();
  const auto classifier = train_ngram_classifier(train.views());
  const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - start;
  const double found = accuracy(classifier, held_out.views());
  std::cout << "IMDB test set: " << 100.0 * found << " % right after training for "
            << passed.count() << " s\n";
  EXPECT_GE(found, 0.88);
  EXPECT_LT(passed.count(), 120.0);
}

}  // namespace
}  // namespace prefopt
