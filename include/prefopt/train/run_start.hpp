#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <prefopt/model/language_model.hpp>
#include <prefopt/model/reference_view.hpp>
#include <prefopt/train/content_hash.hpp>

namespace prefopt {

namespace detail {

template <class Parameters>
std::string hash_of_all(Parameters&& parameters) {
  std::vector<parameter> list;
  for (const parameter& each : parameters) list.push_back(each);
  return hash_of(std::span<const parameter>(list));
}

}  // namespace detail

/// The hash of the weights that the reference of a run consists of: the model as it is, but for an
/// adapter. So runs that train all of a model and runs that train adapters of it share a file of
/// reference log-probs.
template <class Model>
std::string hash_of_reference(Model& model) {
  if constexpr (adapted_model<Model>) return detail::hash_of_all(model.base_parameters());
  return detail::hash_of_all(model.parameters());
}

/// The hash of everything that a run starts from: with an adapter, its values, its scale and the
/// model that it belongs to.
template <class Model>
std::string hash_of_start(Model& model) {
  const std::string trained = detail::hash_of_all(model.parameters());
  if constexpr (adapted_model<Model>) {
    if (model.has_adapter()) {
      const double scale = model.adapter_options().scale();
      content_hash hash;
      hash.add(std::string_view(trained)).add(std::string_view(hash_of_reference(model)));
      return hash.add(std::span<const double>(&scale, 1)).text();
    }
  }
  return trained;
}

}  // namespace prefopt
