#pragma once

#include <prefopt/score/ngram_classifier.hpp>

#include <prefopt/core/config.hpp>
#include <prefopt/model/safetensors.hpp>
#include <prefopt/model/safetensors_writer.hpp>

namespace prefopt {

PREFOPT_INLINE void validate(const ngram_options& options) {
  const auto require = [](bool good, const char* text) {
    if (!good) throw usage_error(std::string("n-gram classifier: ") + text);
  };
  require(options.bits >= 8 && options.bits <= 24, "bits must be 8 to 24");
  require(options.longest >= 1 && options.longest <= 5, "longest must be 1 to 5");
  require(options.epochs >= 1, "epochs must be at least 1");
  require(options.learning_rate > 0.0 && std::isfinite(options.learning_rate),
          "learning_rate must be positive");
}

PREFOPT_INLINE ngram_classifier::ngram_classifier(unsigned bits, std::size_t longest,
                                                  std::vector<float> weights, float bias)
    : bits_(bits), longest_(longest), weights_(std::move(weights)), bias_(bias) {
  validate(ngram_options{.bits = bits, .longest = longest});
  if (weights_.size() != std::size_t{1} << bits) {
    throw usage_error("n-gram classifier: " + std::to_string(weights_.size()) +
                      " weights do not match 2^" + std::to_string(bits) + " buckets");
  }
}

PREFOPT_INLINE double ngram_classifier::probability(std::string_view text) const {
  word_ngrams ngrams(bits_, longest_);
  std::vector<std::uint32_t> buckets;
  ngrams(text, buckets);
  return 1.0 / (1.0 + std::exp(-logit(weights_, static_cast<double>(bias_), buckets)));
}

PREFOPT_INLINE void ngram_classifier::save(const std::filesystem::path& path) const {
  const named_tensor tensors[] = {{"weight", {weights_.size()}, weights_},
                                  {"bias", {1}, std::span(&bias_, 1)}};
  write_safetensors(path, tensors, float_format::float32,
                    {{"format", "pt"},
                     {"kind", kind},
                     {"bits", std::to_string(bits_)},
                     {"longest", std::to_string(longest_)}});
}

PREFOPT_INLINE ngram_classifier ngram_classifier::load(const std::filesystem::path& path) {
  const safetensors_file file(path);
  const auto& metadata = file.metadata();
  const auto found = metadata.find("kind");
  if (found == metadata.end() || found->second != kind) {
    throw checkpoint_error(path.string(), "metadata 'kind'", "is not '" + std::string(kind) + "'");
  }
  const auto bits = number(file, path, "bits", 8, 24);
  const auto longest = number(file, path, "longest", 1, 5);
  std::vector<float> weights(std::size_t{1} << bits);
  float bias = 0.0F;
  file.read("weight", weights);
  file.read("bias", std::span(&bias, 1));
  bool finite = std::isfinite(bias);
  for (const float w : weights) finite = finite && std::isfinite(w);
  if (!finite) throw checkpoint_error(path.string(), "weight", "has NaN or infinity");
  return {bits, longest, std::move(weights), bias};
}

PREFOPT_INLINE double ngram_classifier::logit(std::span<const float> weights, double bias,
                                              std::span<const std::uint32_t> buckets) {
  if (buckets.empty()) return bias;
  double sum = 0.0;
  for (const std::uint32_t b : buckets) sum += static_cast<double>(weights[b]);
  return bias + sum / std::sqrt(static_cast<double>(buckets.size()));
}

PREFOPT_INLINE unsigned ngram_classifier::number(const safetensors_file& file,
                                                 const std::filesystem::path& path,
                                                 const std::string& key, unsigned least,
                                                 unsigned most) {
  const auto found = file.metadata().find(key);
  for (unsigned n = least; n <= most && found != file.metadata().end(); ++n) {
    if (found->second == std::to_string(n)) return n;
  }
  throw checkpoint_error(
      path.string(), "metadata '" + key + "'",
      "is absent or not " + std::to_string(least) + " to " + std::to_string(most));
}

PREFOPT_INLINE ngram_classifier train_ngram_classifier(std::span<const labelled_text> texts,
                                                       const ngram_options& options) {
  return train_ngram_classifier(texts, options, [](std::size_t, double) {});
}

}  // namespace prefopt
