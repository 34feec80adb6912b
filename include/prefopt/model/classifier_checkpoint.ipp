#pragma once

#include <prefopt/model/classifier_checkpoint.hpp>

#include <cstddef>
#include <limits>
#include <set>
#include <utility>

#include <prefopt/core/config.hpp>
#include <prefopt/core/error.hpp>
#include <prefopt/model/classifier_architecture.hpp>
#include <prefopt/model/classifier_labels.hpp>
#include <prefopt/model/config_reader.hpp>
#include <prefopt/model/encoder_layout.hpp>
#include <prefopt/model/json_file.hpp>
#include <prefopt/model/safetensors.hpp>
#include <prefopt/model/tensor_shape.hpp>

namespace prefopt {

namespace detail {

/// The heads of an encoder for `stored_parts`, which knows decoders.
inline transformer_config heads_of(const encoder_config& config) {
  transformer_config result;
  result.heads = result.kv_heads = config.heads;
  result.head_width = config.head_width();
  return result;
}

PREFOPT_INLINE std::vector<stored_part> classifier_parts(const classifier_architecture& kind,
                                                         const parameter_layout& parameter,
                                                         const encoder_config& config,
                                                         std::string_view prefix) {
  return stored_parts(kind.names, parameter, heads_of(config), prefix);
}

PREFOPT_INLINE std::string older_name(const std::string& name) {
  for (const auto& [now, then] :
       {std::pair<std::string_view, std::string_view>{"LayerNorm.weight", "LayerNorm.gamma"},
        {"LayerNorm.bias", "LayerNorm.beta"}}) {
    if (name.ends_with(now)) return name.substr(0, name.size() - now.size()) + std::string(then);
  }
  return name;
}

/// Throws where the parameters could not be counted, or the file could not possibly hold them.
inline void check_plausible(const encoder_config& config, const tensor_source& source,
                            const std::string& file) {
  const std::size_t tensors = source.names().size();
  if (config.layers > tensors) {
    throw checkpoint_error(file, "",
                           "should have " + std::to_string(config.layers) +
                               " layers, but has only " + std::to_string(tensors) + " tensors");
  }
  constexpr std::size_t most = std::numeric_limits<std::size_t>::max() / 64;
  for (const std::size_t side :
       {config.vocabulary, config.width, config.hidden, config.position_rows, config.token_types}) {
    if (side > most / config.width) {
      throw checkpoint_error(file, "", "is configured larger than memory can be");
    }
  }
}

/// Fills `matches` and `fresh`. Throws one `checkpoint_error` that lists what is missing, one for
/// what has a wrong shape, one for what is left over.
inline void find_classifier_tensors(classifier_checkpoint& result, bool new_head) {
  const auto& kind = find_classifier_architecture(result.model_type);
  const tensor_source& source = *result.tensors;
  const std::string file = result.path.string();
  check_plausible(result.config, source, file);
  const auto names = source.names();
  const bool prefixed = std::any_of(
      names.begin(), names.end(), [&](const auto& name) { return name.starts_with(kind.prefix); });
  std::vector<std::string> missing;
  std::vector<std::string> missing_head;
  std::vector<std::string> misshapen;
  std::set<std::string> expected;
  for (auto& parameter : encoder_layout(result.config)) {
    auto parts = classifier_parts(kind, parameter, result.config, prefixed ? kind.prefix : "");
    bool all = true;
    for (auto& part : parts) {
      if (!source.contains(part.name)) part.name = older_name(part.name);
      expected.insert(part.name);
      if (source.contains(part.name)) continue;
      all = false;
      (is_head_parameter(parameter.name) ? missing_head : missing).push_back(part.name);
    }
    const bool is_output = parameter.name.starts_with("head.output");
    if (new_head && (is_output || (!all && is_head_parameter(parameter.name)))) {
      result.fresh.push_back(parameter.name);
      continue;
    }
    for (const auto& part : parts) {
      if (!source.contains(part.name) || source.shape(part.name) == part.shape) continue;
      misshapen.push_back(part.name + " " + shape_text(source.shape(part.name)) + ", expected " +
                          shape_text(part.shape));
    }
    result.matches.push_back({std::move(parameter), std::move(parts)});
  }
  std::vector<std::string> unexpected;
  for (const auto& name : names) {
    const auto begins = [&](const auto& start) { return name.starts_with(start); };
    const auto ends = [&](const auto& ending) { return name.ends_with(ending); };
    if (std::any_of(kind.ignored.begin(), kind.ignored.end(), ends) || expected.contains(name) ||
        std::any_of(kind.other_heads.begin(), kind.other_heads.end(), begins)) {
      continue;
    }
    unexpected.push_back(name);
  }
  const auto refuse = [&](const std::vector<std::string>& list, const std::string& what) {
    if (list.empty()) return;
    throw checkpoint_error(file, "", std::to_string(list.size()) + what + list_text(list));
  };
  refuse(missing, " tensors are missing: ");
  if (!new_head) {
    refuse(missing_head,
           " tensors of the classification head are missing, so this encoder is no classifier "
           "yet; train one on it: ");
  }
  refuse(misshapen, " tensors have a wrong shape: ");
  refuse(unexpected, " tensors are unexpected: ");
}

}  // namespace detail

PREFOPT_INLINE classifier_description
read_classifier_config(const nlohmann::ordered_json& fields, const std::string& file,
                       const std::vector<std::string>& new_labels) {
  classifier_description result;
  config_reader reader(fields, file);
  result.model_type = reader.text("model_type");
  const auto& kind = find_classifier_architecture(result.model_type, file);
  result.config = kind.read(reader);
  declare_common_fields(reader);
  reader.only("is_decoder", false);
  reader.finish();
  result.fields = fields;
  result.config.labels = new_labels.empty() ? read_labels(fields, file) : new_labels;
  if (!new_labels.empty()) return result;
  const std::string problem = reader.text("problem_type", "");
  if (problem == "multi_label_classification") {
    result.config.problem = problem_kind::multi_label;
  } else if (problem == "regression" || (problem.empty() && result.config.labels.size() == 1)) {
    result.config.problem = problem_kind::regression;  // transformers' reading of one class
  } else if (!problem.empty() && problem != "single_label_classification") {
    reader.fail("problem_type", "is '" + problem +
                                    "'; expected single_label_classification, "
                                    "multi_label_classification or regression");
  }
  return result;
}

PREFOPT_INLINE classifier_checkpoint open_classifier(const std::filesystem::path& folder,
                                                     const open_classifier_options& options) {
  namespace fs = std::filesystem;
  const fs::path config_path = folder / "config.json";
  if (!fs::exists(config_path)) {
    throw checkpoint_error(folder.string(), "", "has no config.json, so it is no checkpoint");
  }
  classifier_checkpoint result;
  static_cast<classifier_description&>(result) = read_classifier_config(
      read_checkpoint_json(config_path), config_path.string(), options.new_labels);
  result.path = folder;
  for (const char* name : {"tokenizer.json", "tokenizer_config.json", "special_tokens_map.json",
                           "added_tokens.json", "vocab.txt", "vocab.json", "merges.txt"}) {
    if (fs::exists(folder / name)) result.companions.push_back(folder / name);
  }
  for (const char* name : {"model.safetensors", "model.safetensors.index.json"}) {
    if (!fs::exists(folder / name)) continue;
    result.tensors = std::make_shared<safetensors_file>(folder / name);
    break;
  }
  if (!result.tensors) {
    throw checkpoint_error(folder.string(), "",
                           "has neither model.safetensors nor model.safetensors.index.json; "
                           "weights in other formats (pytorch_model.bin) are not read");
  }
  detail::find_classifier_tensors(result, !options.new_labels.empty());
  return result;
}

}  // namespace prefopt
