#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include <prefopt/model/encoder_config.hpp>
#include <prefopt/model/stored_parts.hpp>

namespace prefopt {

class config_reader;

/// One kind of classifier checkpoint: how its config and its names map to ours.
struct classifier_architecture {
  std::string_view model_type;  ///< in config.json
  std::string_view class_name;  ///< transformers' class with the classification head
  std::string_view prefix;      ///< of names in files of the whole model; absent in the bare one's
  std::vector<name_rule> names;
  std::vector<std::string_view> ignored;  ///< endings of names of buffers that hold no weights
  /// Beginnings of names of other heads, which files of an encoder alone may have.
  std::vector<std::string_view> other_heads;
  encoder_config (*read)(config_reader& config);
  nlohmann::ordered_json (*write)(const encoder_config& config);
};

/// BERT and what has its shape, such as MiniLM. Its head's dense layer is the encoder's pooler.
classifier_architecture bert_classifier();

classifier_architecture roberta_classifier();

classifier_architecture distilbert_classifier();

/// Every kind of classifier checkpoint that is read and written.
const std::vector<classifier_architecture>& classifier_architectures();

/// The entry of this `model_type`; throws `checkpoint_error` naming `file` and those there are.
const classifier_architecture& find_classifier_architecture(
    std::string_view model_type, const std::string& file = "architecture");

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/model/classifier_architecture.ipp>
#endif
