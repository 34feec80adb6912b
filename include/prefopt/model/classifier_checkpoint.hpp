#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include <prefopt/model/encoder_config.hpp>
#include <prefopt/model/stored_parts.hpp>
#include <prefopt/model/tensor_match.hpp>
#include <prefopt/model/tensor_source.hpp>
#include <prefopt/model/transformer_layout.hpp>

namespace prefopt {

struct classifier_architecture;

/// What a classifier's checkpoint says besides its weights; it is what `save_classifier` needs
/// besides them. A model that came from no file fills in `model_type` and `config`.
struct classifier_description {
  std::string model_type;  ///< "bert", "distilbert" or "roberta", see classifier_architectures()
  encoder_config config;
  nlohmann::ordered_json fields;  ///< the config.json as it was read; null where there was none
  std::vector<std::filesystem::path> companions;  ///< the tokenizer's files, copied with the model
};

/// A classifier's checkpoint that has been opened: its tensors are known to be all there and in
/// shape, but not yet read.
struct classifier_checkpoint : classifier_description {
  std::filesystem::path path;
  std::shared_ptr<const tensor_source> tensors;
  std::vector<tensor_match> matches;  ///< where each parameter stands in `tensors`
  std::vector<std::string> fresh;     ///< parameters that the files lack, all of the head
};

struct open_classifier_options {
  /// Names of the classes of a head that is to be trained. Empty: the checkpoint's own head, which
  /// must be there. Otherwise the head's last layer is new, and its dense layer too where the files
  /// lack it (BERT's pooler is the encoder's, and is kept, as transformers does).
  std::vector<std::string> new_labels = {};
};

namespace detail {

std::vector<stored_part> classifier_parts(const classifier_architecture& kind,
                                          const parameter_layout& parameter,
                                          const encoder_config& config, std::string_view prefix);

/// Older files of BERT call a norm's weight and bias gamma and beta.
std::string older_name(const std::string& name);

}  // namespace detail

/// What kind of classifier a config.json describes. `new_labels` take the place of its own. Throws
/// `checkpoint_error` that names the field for whatever is wrong, not supported, or unknown.
classifier_description read_classifier_config(const nlohmann::ordered_json& fields,
                                              const std::string& file,
                                              const std::vector<std::string>& new_labels = {});

/// Opens a folder in Hugging Face's format: config.json with model.safetensors or its shards, of
/// BERT, DistilBERT or RoBERTa, with a sequence-classification head or, for a new one, without.
/// Throws `checkpoint_error`, with file and field or tensor, for whatever is damaged, missing,
/// unexpected or not supported; `data_error` for files that cannot be opened.
classifier_checkpoint open_classifier(const std::filesystem::path& folder,
                                      const open_classifier_options& options = {});

/// Gives a model that was made from the checkpoint's configuration its weights; what is `fresh` is
/// initialized from `seed`.
template <class Model>
void load_classifier_weights(const classifier_checkpoint& checkpoint, Model& model,
                             std::uint64_t seed = 0) {
  for (const auto& match : checkpoint.matches) {
    const auto all = model.parameters();
    const auto found = std::find_if(all.begin(), all.end(),
                                    [&](const auto& p) { return p.name == match.parameter.name; });
    read_parameter(*checkpoint.tensors, match, found->value);
  }
  model.initialize(seed, [&](const std::string& name) {
    return std::find(checkpoint.fresh.begin(), checkpoint.fresh.end(), name) !=
           checkpoint.fresh.end();
  });
  model.parameters_changed();
}

/// A model with a checkpoint's weights, see `load_classifier_weights`. `Model` is
/// `encoder_classifier<Backend>`.
template <class Model>
Model load_classifier(const classifier_checkpoint& checkpoint, std::uint64_t seed = 0) {
  Model model(checkpoint.config);
  load_classifier_weights(checkpoint, model, seed);
  return model;
}

/// The same from a folder that has a head.
template <class Model>
Model load_classifier(const std::filesystem::path& folder) {
  return load_classifier<Model>(open_classifier(folder));
}

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/model/classifier_checkpoint.ipp>
#endif
