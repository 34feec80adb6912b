#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include <prefopt/core/error.hpp>
#include <prefopt/model/json_file.hpp>

namespace prefopt {

/// Fields of a config.json by name and type. It remembers what was asked for, so that a field that
/// nobody asked for is found: such a field may change the mathematics, and is refused unless it is
/// known to be harmless. A field that is null counts as absent. Errors are `checkpoint_error`s.
class config_reader {
 public:
  config_reader(nlohmann::ordered_json fields, std::string file, std::string inside = "")
      : fields_(std::move(fields)), file_(std::move(file)), inside_(std::move(inside)) {}

  /// A count of at least 1, below 2^31. Without a `fallback` the field is needed.
  std::size_t count(const std::string& key, std::optional<std::size_t> fallback = {}) {
    const auto* value = find(key);
    if (value == nullptr) return needed(key, fallback);
    if (!value->is_number_unsigned() || *value < 1 || *value > 0x7FFFFFFF) {
      fail(key, "is " + value->dump() + "; expected a whole number from 1 to 2147483647");
    }
    return value->get<std::size_t>();
  }

  /// A count that may be 0.
  std::size_t whole(const std::string& key, std::optional<std::size_t> fallback = {}) {
    const auto* value = find(key);
    if (value == nullptr) return needed(key, fallback);
    if (!value->is_number_unsigned() || *value > 0x7FFFFFFF) {
      fail(key, "is " + value->dump() + "; expected a whole number from 0 to 2147483647");
    }
    return value->get<std::size_t>();
  }

  double positive(const std::string& key, std::optional<double> fallback = {}) {
    const auto* value = find(key);
    if (value == nullptr) return needed(key, fallback);
    if (!value->is_number() || !(value->get<double>() > 0)) {
      fail(key, "is " + value->dump() + "; expected a number over 0");
    }
    return value->get<double>();
  }

  bool flag(const std::string& key, std::optional<bool> fallback = {}) {
    const auto* value = find(key);
    if (value == nullptr) return needed(key, fallback);
    if (!value->is_boolean()) fail(key, "is " + value->dump() + "; expected true or false");
    return value->get<bool>();
  }

  std::string text(const std::string& key, std::optional<std::string> fallback = {}) {
    const auto* value = find(key);
    if (value == nullptr) return needed(key, fallback);
    if (!value->is_string()) fail(key, "is " + value->dump() + "; expected a string");
    return value->get<std::string>();
  }

  /// A number of layers. It is bounded, for there are lists with an element a layer.
  std::size_t layers(const std::string& key, std::optional<std::size_t> fallback = {}) {
    const std::size_t found = count(key, fallback);
    if (found > 10'000)
      fail(key, "is " + std::to_string(found) + "; expected at most 10000 layers");
    return found;
  }

  /// An array; nothing where the field is absent.
  std::optional<nlohmann::ordered_json> list(const std::string& key) {
    const auto* value = find(key);
    if (value == nullptr) return {};
    if (!value->is_array()) fail(key, "is " + value->dump() + "; expected a list");
    return *value;
  }

  /// An object inside, which has to be `finish`ed too; nothing where the field is absent.
  std::optional<config_reader> object(const std::string& key) {
    const auto* value = find(key);
    if (value == nullptr) return {};
    if (!value->is_object()) fail(key, "is " + value->dump() + "; expected an object");
    return config_reader(*value, file_, inside_ + key + ".");
  }

  /// The field is there and null, which for some fields is not the same as absent.
  [[nodiscard]] bool is_null(const std::string& key) const {
    const auto found = fields_.find(key);
    return found != fields_.end() && found->is_null();
  }

  /// A field that must be absent or have this value, because the model has nothing else.
  void only(const std::string& key, const nlohmann::ordered_json& allowed) {
    const auto* value = find(key);
    if (value != nullptr && *value != allowed) {
      fail(key, "is " + value->dump() + ", which is not supported; expected " + allowed.dump());
    }
  }

  /// Fields that say nothing about what a model computes when it is evaluated.
  void harmless(std::initializer_list<std::string_view> keys) {
    known_.insert(keys.begin(), keys.end());
  }

  /// Throws for a field that was neither read nor declared harmless. Names with a leading
  /// underscore are transformers' private notes.
  void finish() const {
    for (const auto& [key, value] : fields_.items()) {
      if (known_.contains(key) || value.is_null() || key.starts_with("_")) continue;
      fail(key,
           "is a field that this library does not know, so it may change what the model "
           "computes; delete it from the file if you know that it does not");
    }
  }

  [[noreturn]] void fail(const std::string& key, const std::string& problem) const {
    throw checkpoint_error(file_, "field '" + inside_ + key.substr(0, 100) + "'",
                           problem.substr(0, 500));
  }

 private:
  const nlohmann::ordered_json* find(const std::string& key) {
    known_.insert(key);
    const auto found = fields_.find(key);
    return found == fields_.end() || found->is_null() ? nullptr : &*found;
  }

  template <class Value>
  Value needed(const std::string& key, const std::optional<Value>& fallback) const {
    if (!fallback) fail(key, "is absent");
    return *fallback;
  }

  nlohmann::ordered_json fields_;
  std::string file_;
  std::string inside_;
  std::set<std::string, std::less<>> known_;
};

/// What `PretrainedConfig` writes into every config.json: notes, token numbers, and settings of
/// generation, classification and training, none of which changes a decoder's logits.
inline void declare_common_fields(config_reader& config) {
  config.harmless({"architectures",
                   "auto_map",
                   "model_type",
                   "transformers_version",
                   "torch_dtype",
                   "dtype",
                   "use_cache",
                   "bos_token_id",
                   "eos_token_id",
                   "pad_token_id",
                   "sep_token_id",
                   "cls_token_id",
                   "unk_token_id",
                   "decoder_start_token_id",
                   "initializer_range",
                   "output_attentions",
                   "output_hidden_states",
                   "output_scores",
                   "return_dict",
                   "return_dict_in_generate",
                   "torchscript",
                   "use_bfloat16",
                   "is_decoder",
                   "chunk_size_feed_forward",
                   "max_length",
                   "min_length",
                   "do_sample",
                   "early_stopping",
                   "num_beams",
                   "num_beam_groups",
                   "diversity_penalty",
                   "temperature",
                   "top_k",
                   "top_p",
                   "typical_p",
                   "repetition_penalty",
                   "length_penalty",
                   "no_repeat_ngram_size",
                   "encoder_no_repeat_ngram_size",
                   "bad_words_ids",
                   "num_return_sequences",
                   "exponential_decay_length_penalty",
                   "suppress_tokens",
                   "begin_suppress_tokens",
                   "forced_bos_token_id",
                   "forced_eos_token_id",
                   "remove_invalid_values",
                   "finetuning_task",
                   "id2label",
                   "label2id",
                   "num_labels",
                   "problem_type",
                   "task_specific_params",
                   "tokenizer_class",
                   "prefix",
                   "tf_legacy_loss",
                   "name_or_path",
                   "gradient_checkpointing",
                   "transformers.js_config",
                   "unsloth_fixed",
                   "unsloth_version"});
  config.only("is_encoder_decoder", false);
  config.only("add_cross_attention", false);
  config.only("tie_encoder_decoder", false);
  config.only("pruned_heads", nlohmann::ordered_json::object());
}

}  // namespace prefopt
