#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <numeric>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <prefopt/core/error.hpp>
#include <prefopt/core/random.hpp>
#include <prefopt/core/stream_purpose.hpp>
#include <prefopt/score/word_ngrams.hpp>

namespace prefopt {

class safetensors_file;

/// A text to learn from; the characters live elsewhere.
struct labelled_text {
  std::string_view text;
  bool positive = false;
};

/// How `train_ngram_classifier` learns.
struct ngram_options {
  unsigned bits = 20;          ///< 2^bits buckets, 8 to 24
  std::size_t longest = 2;     ///< words of an n-gram, 1 to 5
  std::size_t epochs = 5;      ///< passes over the texts, at least 1
  double learning_rate = 0.2;  ///< AdaGrad's
  std::uint64_t seed = 0;      ///< of the order of the texts
};

/// Throws `usage_error` that names the option.
void validate(const ngram_options& options);

/// Logistic regression over hashed word n-grams ("feature hashing", Weinberger et al. 2009):
///
///     p(positive | text) = sigmoid(b + sum_{j in text} w_j / sqrt(n)),
///
/// n the number of the text's buckets, each counted once.
class ngram_classifier {
 public:
  /// `weights`: one for each of the 2^bits buckets, with `bits` and `longest` as in the options.
  ngram_classifier(unsigned bits, std::size_t longest, std::vector<float> weights, float bias);

  /// p(positive), in [0, 1]. Of a text without words it is what the bias gives.
  [[nodiscard]] double probability(std::string_view text) const;

  /// One safetensors file with `weight` (2^bits) and `bias` (1), whole or not at all.
  void save(const std::filesystem::path& path) const;

  /// Throws `checkpoint_error` for a file that is not such a classifier, `data_error` where it
  /// cannot be opened.
  [[nodiscard]] static ngram_classifier load(const std::filesystem::path& path);

  [[nodiscard]] std::span<const float> weights() const { return weights_; }
  [[nodiscard]] float bias() const { return bias_; }

  /// b + sum of the buckets' weights / sqrt(their number).
  [[nodiscard]] static double logit(std::span<const float> weights, double bias,
                                    std::span<const std::uint32_t> buckets);

 private:
  static constexpr const char* kind = "prefopt n-gram classifier";

  static unsigned number(const safetensors_file& file, const std::filesystem::path& path,
                         const std::string& key, unsigned least, unsigned most);

  unsigned bits_;
  std::size_t longest_;
  std::vector<float> weights_;  // (2^bits)
  float bias_;
};

/// Learns by stochastic gradient descent on -log p(label), each weight's step scaled by AdaGrad
/// (Duchi et al. 2011); the texts' order is shuffled for every epoch, and the result depends on
/// texts, options and seed alone. Throws `usage_error` where a label never occurs.
///
/// `on_epoch(epochs done, mean loss)` is called after each epoch.
template <class OnEpoch>
ngram_classifier train_ngram_classifier(std::span<const labelled_text> texts,
                                        const ngram_options& options, OnEpoch&& on_epoch) {
  validate(options);
  std::size_t positive = 0;
  for (const labelled_text& text : texts) positive += text.positive ? 1 : 0;
  if (positive == 0 || positive == texts.size() || texts.size() > 0xFFFFFFFFU) {
    throw usage_error("n-gram classifier: " + std::to_string(positive) + " of " +
                      std::to_string(texts.size()) +
                      " texts are positive; expected some of either label");
  }
  word_ngrams ngrams(options.bits, options.longest);
  std::vector<std::uint32_t> all;      // the buckets of all texts
  std::vector<std::size_t> begins{0};  // where a text's buckets begin
  std::vector<std::uint32_t> buckets;
  for (const labelled_text& text : texts) {
    ngrams(text.text, buckets);
    all.insert(all.end(), buckets.begin(), buckets.end());
    begins.push_back(all.size());
  }

  struct weight {
    float value = 0.0F;
    float squares = 0.0F;  // sum of squared gradients
  };
  std::vector<weight> weights(std::size_t{1} << options.bits);
  weight bias;
  constexpr float least = 1e-8F;  // keeps the division defined
  const auto rate = static_cast<float>(options.learning_rate);
  const auto update = [&](weight& w, float gradient) {
    w.squares += gradient * gradient;
    w.value -= rate * gradient / (std::sqrt(w.squares) + least);
  };
  std::vector<std::uint32_t> order(texts.size());
  std::iota(order.begin(), order.end(), 0U);
  random_stream random = stream_for(stream_purpose::ngrams, options.seed);
  for (std::size_t epoch = 0; epoch < options.epochs; ++epoch) {
    shuffle(order, random);
    double loss = 0.0;
    for (const std::uint32_t t : order) {
      const std::span<const std::uint32_t> found(all.data() + begins[t], begins[t + 1] - begins[t]);
      const double scale = found.empty() ? 0.0 : 1.0 / std::sqrt(static_cast<double>(found.size()));
      double sum = 0.0;
      for (const std::uint32_t b : found) sum += static_cast<double>(weights[b].value);
      const double z = static_cast<double>(bias.value) + sum * scale;
      // d/dz log(1 + e^-z) for a positive text, d/dz log(1 + e^z) for another
      const double p = 1.0 / (1.0 + std::exp(-z));
      const double slope = texts[t].positive ? p - 1.0 : p;
      const double wrong = texts[t].positive ? -z : z;
      loss += std::max(wrong, 0.0) + std::log1p(std::exp(-std::abs(wrong)));
      const auto gradient = static_cast<float>(slope * scale);
      for (const std::uint32_t b : found) update(weights[b], gradient);
      update(bias, static_cast<float>(slope));
    }
    on_epoch(epoch + 1, loss / static_cast<double>(texts.size()));
  }
  std::vector<float> values(weights.size());
  for (std::size_t b = 0; b < values.size(); ++b) values[b] = weights[b].value;
  return {options.bits, options.longest, std::move(values), bias.value};
}

ngram_classifier train_ngram_classifier(std::span<const labelled_text> texts,
                                        const ngram_options& options = {});

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/score/ngram_classifier.ipp>
#endif
