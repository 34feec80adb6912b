#pragma once

#include <filesystem>
#include <span>
#include <vector>

#include <prefopt/model/classifier_checkpoint.hpp>
#include <prefopt/model/language_model.hpp>
#include <prefopt/model/safetensors_writer.hpp>
#include <prefopt/model/save_checkpoint.hpp>

namespace prefopt {

namespace detail {

/// A classifier's parameters as Hugging Face's files have them. They point to `values`.
std::vector<pending_tensor> pending_classifier(const classifier_description& description,
                                               std::span<const parameter> parameters,
                                               bool gradients = false);

}  // namespace detail

/// Writes a classifier's checkpoint into `folder`: weights, config.json and the tokenizer's files,
/// as transformers' `AutoModelForSequenceClassification` and `AutoTokenizer` read them. The folder
/// appears whole or not at all. An existing folder is replaced, but only if it holds nothing else
/// than a checkpoint's files. Throws `usage_error` where `parameters` are not those of the
/// description.
void save_classifier(const std::filesystem::path& folder, const classifier_description& description,
                     std::span<const parameter> parameters, const save_options& options = {});

/// The same for a model with `parameters()`.
template <class Model>
requires requires(Model& model) {
  model.parameters();
}
void save_classifier(const std::filesystem::path& folder, const classifier_description& description,
                     Model& model, const save_options& options = {}) {
  std::vector<parameter> parameters;
  for (const auto& each : model.parameters()) parameters.push_back(each);
  save_classifier(folder, description, std::span<const parameter>(parameters), options);
}

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/model/save_classifier.ipp>
#endif
