#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <prefopt/core/error.hpp>
#include <prefopt/model/checkpoint.hpp>
#include <prefopt/model/language_model.hpp>
#include <prefopt/model/tensor_match.hpp>
#include <prefopt/model/tensor_shape.hpp>

namespace prefopt {

/// Fills a transformer's parameters, named and shaped as `transformer_layout` says, from a
/// checkpoint. Throws `usage_error` where the parameters are not those of the checkpoint's
/// configuration, and `checkpoint_error` where a tensor cannot be read.
inline void load_weights(const model_checkpoint& checkpoint,
                         std::span<const parameter> parameters) {
  std::map<std::string, const parameter*> by_name;
  for (const auto& each : parameters) by_name.emplace(each.name, &each);
  if (by_name.size() != parameters.size() || parameters.size() != checkpoint.matches.size()) {
    throw usage_error("the model has " + std::to_string(parameters.size()) +
                      " parameters, the checkpoint " + checkpoint.path.string() + " " +
                      std::to_string(checkpoint.matches.size()));
  }
  for (const auto& match : checkpoint.matches) {
    const auto found = by_name.find(match.parameter.name);
    std::size_t count = 0;
    if (found == by_name.end() || found->second->shape != match.parameter.shape ||
        !count_elements(match.parameter.shape, count) || found->second->value.size() != count) {
      throw usage_error("the model has no parameter '" + match.parameter.name + "' of shape " +
                        shape_text(match.parameter.shape) + ", which the checkpoint " +
                        checkpoint.path.string() + " has");
    }
  }
  for (const auto& match : checkpoint.matches) {
    read_parameter(*checkpoint.tensors, match, by_name.at(match.parameter.name)->value);
  }
}

/// The same of a model that was made from the checkpoint's configuration, by its `parameters()`.
template <class Model>
requires requires(Model& model) {
  model.parameters();
  model.parameters_changed();
}
void load_weights(const model_checkpoint& checkpoint, Model& model) {
  std::vector<parameter> parameters;
  for (const auto& each : model.parameters()) parameters.push_back(each);
  load_weights(checkpoint, std::span<const parameter>(parameters));
  model.parameters_changed();
}

/// A model with a checkpoint's weights. `Model` is constructible from a `transformer_config`, as
/// `transformer<Backend>` is.
template <class Model>
Model load_transformer(const model_checkpoint& checkpoint) {
  Model model(checkpoint.config);
  load_weights(checkpoint, model);
  return model;
}

/// The same from a folder or a GGUF file.
template <class Model>
Model load_transformer(const std::filesystem::path& path) {
  return load_transformer<Model>(open_checkpoint(path));
}

}  // namespace prefopt
