#pragma once

#include <filesystem>
#include <span>
#include <vector>

#include <prefopt/model/checkpoint.hpp>
#include <prefopt/model/language_model.hpp>

namespace prefopt {

/// Fills a transformer's parameters, named and shaped as `transformer_layout` says, from a
/// checkpoint. Throws `usage_error` where the parameters are not those of the checkpoint's
/// configuration, and `checkpoint_error` where a tensor cannot be read.
void load_weights(const model_checkpoint& checkpoint, std::span<const parameter> parameters);

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

#if !defined(PREFOPT_COMPILED)
#include <prefopt/model/load_weights.ipp>
#endif
