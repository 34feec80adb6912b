#pragma once

#include <array>
#include <cstddef>
#include <filesystem>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include <prefopt/model/checkpoint.hpp>
#include <prefopt/model/language_model.hpp>

namespace prefopt {

/// How a GGUF file stores matrices; norms, biases and tables of positions stay float32.
enum class gguf_format { f32, f16, bf16, q8_0 };

inline constexpr std::array<std::pair<gguf_format, std::string_view>, 4> gguf_format_names{
    {{gguf_format::f32, "f32"},
     {gguf_format::f16, "f16"},
     {gguf_format::bf16, "bf16"},
     {gguf_format::q8_0, "q8_0"}}};

constexpr std::string_view name_of(gguf_format format) {
  return gguf_format_names[static_cast<std::size_t>(format)].second;
}

/// "f32", "f16", "bf16", "q8_0": the names that llama.cpp's converter takes.
gguf_format gguf_format_named(std::string_view name);

/// Writes a GGUF file that llama.cpp loads: weights, configuration and, where the description has
/// one, the tokenizer. It appears whole or not at all, and needs memory for one tensor besides the
/// parameters, which are those of `transformer_layout(description.config)` in any order. Throws
/// `usage_error` where they are not, and for a model that llama.cpp has no architecture for;
/// `checkpoint_error` for a number that the format cannot hold or a tokenizer that GGUF cannot.
void save_gguf(const std::filesystem::path& path, const checkpoint_description& description,
               std::span<const parameter> parameters, gguf_format format = gguf_format::f32);

/// The same for a model with `parameters()`.
template <class Model>
requires requires(Model& model) {
  model.parameters();
}
void save_gguf(const std::filesystem::path& path, const checkpoint_description& description,
               Model& model, gguf_format format = gguf_format::f32) {
  std::vector<parameter> parameters;
  for (const auto& each : model.parameters()) parameters.push_back(each);
  save_gguf(path, description, std::span<const parameter>(parameters), format);
}

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/model/save_gguf.ipp>
#endif
