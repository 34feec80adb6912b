#pragma once

#include <prefopt/model/save_classifier.hpp>

#include <algorithm>
#include <cstddef>
#include <string>

#include <nlohmann/json.hpp>

#include <prefopt/core/atomic_file.hpp>
#include <prefopt/core/atomic_folder.hpp>
#include <prefopt/core/config.hpp>
#include <prefopt/core/error.hpp>
#include <prefopt/model/classifier_architecture.hpp>
#include <prefopt/model/encoder_layout.hpp>
#include <prefopt/model/float_format.hpp>
#include <prefopt/model/ordered_parameters.hpp>

namespace prefopt {

namespace detail {

PREFOPT_INLINE std::vector<pending_tensor> pending_classifier(
    const classifier_description& description, std::span<const parameter> parameters,
    bool gradients) {
  const auto& kind = find_classifier_architecture(description.model_type);
  const auto layout = encoder_layout(description.config);
  const auto ordered = ordered_parameters(layout, parameters);
  std::vector<pending_tensor> tensors;
  for (std::size_t i = 0; i < layout.size(); ++i) {
    std::span<const float> rest = gradients ? ordered[i]->gradient : ordered[i]->value;
    for (const auto& part : classifier_parts(kind, layout[i], description.config, kind.prefix)) {
      const auto source = rest.first(part.numbers);
      rest = rest.subspan(part.numbers);
      tensors.push_back({part.name, part.shape, [source](std::span<float> out) {
                           std::copy(source.begin(), source.end(), out.begin());
                         }});
    }
  }
  return tensors;
}

inline const char* problem_name(problem_kind problem) {
  switch (problem) {
    case problem_kind::single_label:
      return "single_label_classification";
    case problem_kind::multi_label:
      return "multi_label_classification";
    case problem_kind::regression:
      return "regression";
  }
  return "";
}

/// The source's config.json with this head and number format, or one made from the description.
inline nlohmann::ordered_json classifier_config_to_write(const classifier_description& description,
                                                         float_format format) {
  const auto& kind = find_classifier_architecture(description.model_type);
  nlohmann::ordered_json fields = description.fields;
  if (fields.is_null()) {
    fields["model_type"] = kind.model_type;
    fields.update(kind.write(description.config));
  } else {
    encoder_config there = read_classifier_config(fields, "config.json").config;
    there.labels = description.config.labels;  // those of a new head
    there.problem = description.config.problem;
    if (there != description.config) {
      throw usage_error("the description's config is not the one of its config.json");
    }
  }
  fields["architectures"] = {kind.class_name};
  fields["problem_type"] = problem_name(description.config.problem);
  nlohmann::ordered_json names;
  nlohmann::ordered_json numbers;
  for (std::size_t i = 0; i < description.config.labels.size(); ++i) {
    names[std::to_string(i)] = description.config.labels[i];
    numbers[description.config.labels[i]] = i;
  }
  fields["id2label"] = names;
  fields["label2id"] = numbers;
  fields.erase("num_labels");
  put_format(fields, format);
  return fields;
}

}  // namespace detail

PREFOPT_INLINE void save_classifier(const std::filesystem::path& folder,
                                    const classifier_description& description,
                                    std::span<const parameter> parameters,
                                    const save_options& options) {
  detail::require_replaceable(folder);
  const auto tensors = detail::pending_classifier(description, parameters);
  const auto config = detail::classifier_config_to_write(description, options.format);
  atomic_folder target(folder);
  write_sharded_safetensors(target.path(), tensors, options.format, options.max_shard_bytes);
  write_file_atomically(target.path() / "config.json", config.dump(2) + "\n");
  for (const auto& file : description.companions) {
    detail::copy_companion(file, target.path() / file.filename());
  }
  target.commit();
}

}  // namespace prefopt
