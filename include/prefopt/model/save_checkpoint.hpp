#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include <prefopt/model/checkpoint.hpp>
#include <prefopt/model/float_format.hpp>
#include <prefopt/model/language_model.hpp>
#include <prefopt/model/safetensors_writer.hpp>
#include <prefopt/model/transformer_config.hpp>
#include <prefopt/model/transformer_layout.hpp>

namespace prefopt {

struct architecture;

struct save_options {
  float_format format = float_format::float32;
  std::size_t max_shard_bytes = 5'000'000'000;  ///< more goes into shards with an index
};

namespace detail {

/// A parameter's arrays as Hugging Face's files have them. They point to the parameter's values.
void append_pending(const architecture& kind, const transformer_config& config,
                    const parameter_layout& layout, std::span<const float> values,
                    std::vector<pending_tensor>& out);

/// Under the key that the file has, or the one that every version of transformers reads.
void put_format(nlohmann::ordered_json& fields, float_format format);

/// Throws `usage_error` for a folder that holds anything but a checkpoint's files: a mistaken path
/// must not cost them.
void require_replaceable(const std::filesystem::path& folder);

void copy_companion(const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace detail

/// Writes a checkpoint's files into an existing folder: weights, config.json,
/// generation_config.json and the tokenizer's files, under the names and in the formats that
/// transformers' `AutoModelForCausalLM` and `AutoTokenizer` read. `parameters` are those of
/// `transformer_layout(description.config)`, in any order. Throws `usage_error` where they are not.
void write_checkpoint_files(const std::filesystem::path& folder,
                            const checkpoint_description& description,
                            std::span<const parameter> parameters,
                            const save_options& options = {});

/// The same into `folder`, which appears whole or not at all. An existing folder is replaced, but
/// only if it holds nothing else than a checkpoint's files.
void save_checkpoint(const std::filesystem::path& folder, const checkpoint_description& description,
                     std::span<const parameter> parameters, const save_options& options = {});

/// The same for a model with `parameters()`.
template <class Model>
requires requires(Model& model) {
  model.parameters();
}
void save_checkpoint(const std::filesystem::path& folder, const checkpoint_description& description,
                     Model& model, const save_options& options = {}) {
  std::vector<parameter> parameters;
  for (const auto& each : model.parameters()) parameters.push_back(each);
  save_checkpoint(folder, description, std::span<const parameter>(parameters), options);
}

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/model/save_checkpoint.ipp>
#endif
