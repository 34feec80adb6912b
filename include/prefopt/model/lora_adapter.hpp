#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <prefopt/model/architectures.hpp>
#include <prefopt/model/checkpoint.hpp>
#include <prefopt/model/language_model.hpp>
#include <prefopt/model/lora_layout.hpp>
#include <prefopt/model/lora_options.hpp>
#include <prefopt/model/stored_parts.hpp>
#include <prefopt/model/tensor_source.hpp>

namespace prefopt {

namespace detail {

/// An adapter's folder that has been opened: its tensors are known to be all there and in shape.
struct stored_adapter {
  lora_options options;
  std::vector<lora_module> modules;
  std::shared_ptr<const tensor_source> tensors;
};

/// How B's rows stand in the file: as the module's.
stored_part lora_b_part(const lora_module& module, std::size_t rank);

stored_adapter open_adapter(const checkpoint_description& description,
                            const std::filesystem::path& folder);

/// `parameters`: A and B of each module.
void read_adapter(const stored_adapter& adapter, std::span<const parameter> parameters);

void require_adapter_folder(const std::filesystem::path& folder);

void write_adapter(const std::filesystem::path& folder, const lora_options& options,
                   const std::vector<lora_module>& modules, std::span<const parameter> parameters,
                   const std::string& base);

}  // namespace detail

/// PEFT's adapter_config.json. Throws `checkpoint_error` that names the field for whatever would
/// make the adapter compute something else than LoRA does. Dropout is not part of the model:
/// prefopt trains without it.
lora_options read_lora_config(const std::filesystem::path& folder, const architecture& kind,
                              const transformer_config& model);

/// Adds an adapter to a model that was loaded from that checkpoint. `Model` is what
/// `transformer<Backend>` is. Throws `usage_error` for options that cannot be.
template <class Model>
void add_lora(Model& model, const checkpoint_description& description, const lora_options& options,
              std::uint64_t seed) {
  const auto& kind = find_architecture(description.model_type);
  model.add_adapter(lora_modules(kind, description.config, options), options, seed);
}

/// Adds the adapter in a folder as PEFT writes it (adapter_config.json and
/// adapter_model.safetensors). Throws `checkpoint_error` for whatever is damaged, missing,
/// unexpected or not supported; the model has no adapter then.
template <class Model>
void load_adapter(Model& model, const checkpoint_description& description,
                  const std::filesystem::path& folder) {
  const detail::stored_adapter stored = detail::open_adapter(description, folder);
  model.add_adapter(stored.modules, stored.options, 0);
  detail::read_adapter(stored, model.parameters());
  model.parameters_changed();
}

/// Writes the model's adapter into `folder`, which appears whole or not at all, as PEFT's
/// `PeftModel.from_pretrained` reads it. An existing folder is replaced, but only if it is empty or
/// has an adapter_config.json. `base`: name or path of the model that it belongs to, for people and
/// for PEFT.
template <class Model>
void save_adapter(const std::filesystem::path& folder, Model& model, const std::string& base = "") {
  detail::require_adapter_folder(folder);
  detail::write_adapter(folder, model.adapter_options(), model.adapter_modules(),
                        model.parameters(), base);
}

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/model/lora_adapter.ipp>
#endif
