#pragma once

#include <prefopt/model/save_gguf.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <system_error>

#include <prefopt/core/atomic_file.hpp>
#include <prefopt/core/config.hpp>
#include <prefopt/core/error.hpp>
#include <prefopt/model/architectures.hpp>
#include <prefopt/model/ggml_blocks.hpp>
#include <prefopt/model/gguf.hpp>
#include <prefopt/model/gguf_description.hpp>
#include <prefopt/model/gguf_rope.hpp>
#include <prefopt/model/gguf_writer.hpp>
#include <prefopt/model/ordered_parameters.hpp>
#include <prefopt/model/stored_parts.hpp>
#include <prefopt/model/transformer_layout.hpp>

namespace prefopt {

PREFOPT_INLINE gguf_format gguf_format_named(std::string_view name) {
  for (const auto& [format, known] : gguf_format_names) {
    if (known == name) return format;
  }
  throw usage_error("unknown format '" + std::string(name.substr(0, 100)) +
                    "'; expected f32, f16, bf16 or q8_0");
}

namespace detail {

/// As llama.cpp's converter chooses: a matrix whose rows are no whole blocks is stored as F16.
inline const ggml_type* gguf_tensor_type(gguf_format format, const parameter_layout& parameter) {
  constexpr std::uint32_t f32 = 0;
  constexpr std::uint32_t f16 = 1;
  constexpr std::uint32_t q8_0 = 8;
  constexpr std::uint32_t bf16 = 30;
  if (parameter.shape.size() < 2 || parameter.name == "positions.weight" ||
      format == gguf_format::f32) {
    return find_ggml_type(f32);
  }
  if (format == gguf_format::bf16) return find_ggml_type(bf16);
  const ggml_type* blocks = find_ggml_type(q8_0);
  if (format == gguf_format::q8_0 && parameter.shape.back() % blocks->block_numbers == 0) {
    return blocks;
  }
  return find_ggml_type(f16);
}

/// `general.file_type`: llama.cpp's number of the format.
inline std::uint32_t gguf_file_type(gguf_format format) {
  switch (format) {
    case gguf_format::f32:
      return 0;
    case gguf_format::f16:
      return 1;
    case gguf_format::q8_0:
      return 7;
    case gguf_format::bf16:
      return 32;
  }
  return 0;
}

/// Tensors that follow from the configuration: those of llama.cpp that `transformer_layout` has
/// not.
inline void add_gguf_extras(const architecture& kind, const transformer_config& config,
                            std::vector<gguf_tensor>& tensors) {
  const ggml_type* f32 = find_ggml_type(0);
  if (config.scaling.type == rope_scaling::kind::llama3) {
    const auto factors = rope_factors(config);
    tensors.push_back({{gguf_rope_factors,
                        {factors.size()},
                        [factors](std::span<float> out) {
                          std::copy(factors.begin(), factors.end(), out.begin());
                        }},
                       f32});
  }
  if (config.tied_head && kind.model_type == "gpt_neox") {  // there it is always stored
    gguf_tensor head = tensors.front();
    head.tensor.name = "output.weight";
    tensors.push_back(std::move(head));
  }
}

/// Throws `usage_error` where the file holds another model than `description` says: one of those
/// that llama.cpp's architecture cannot express (windows, another activation, ...).
inline void check_gguf(const std::filesystem::path& written,
                       const checkpoint_description& description) {
  const gguf_file file(written);
  transformer_config found = read_config(file).config;
  const transformer_config& config = description.config;
  const auto close = [](double a, double b) { return std::fabs(a - b) <= 1e-6 * std::fabs(b); };
  if (close(found.norm_epsilon, config.norm_epsilon)) found.norm_epsilon = config.norm_epsilon;
  if (close(found.rope_theta, config.rope_theta)) found.rope_theta = config.rope_theta;
  if (close(found.scaling.factor, config.scaling.factor)) found.scaling = config.scaling;
  found.tied_head = config.tied_head;
  if (found == config) return;
  throw usage_error(
      "this '" + description.model_type +
      "' model has what llama.cpp's models of that kind have not (windows, biases, "
      "an activation, layers without positions, ...), so no GGUF file of it is written");
}

/// Removes a file that was not moved to its place.
class unfinished_file {
 public:
  explicit unfinished_file(std::filesystem::path path) : path_(std::move(path)) {}
  unfinished_file(const unfinished_file&) = delete;
  unfinished_file& operator=(const unfinished_file&) = delete;
  ~unfinished_file() {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace detail

PREFOPT_INLINE void save_gguf(const std::filesystem::path& path,
                              const checkpoint_description& description,
                              std::span<const parameter> parameters, gguf_format format) {
  gguf_pairs pairs = detail::gguf_pairs_of(description);
  pairs.emplace_back("general.file_type", detail::gguf_file_type(format));
  pairs.emplace_back("general.quantization_version", std::uint32_t{2});
  const auto& kind = find_architecture(description.model_type);
  const auto layout = transformer_layout(description.config);
  const auto ordered = ordered_parameters(layout, parameters);
  std::vector<gguf_tensor> tensors;
  for (std::size_t i = 0; i < layout.size(); ++i) {
    const parameter_layout& entry = layout[i];
    std::span<const float> values = ordered[i]->value;
    const auto parts = stored_parts(kind.gguf_names, entry, description.config, "");
    if (parts.empty()) {
      throw usage_error("llama.cpp's '" + description.model_type + "' has no tensor for '" +
                        entry.name + "'");
    }
    for (const auto& part : parts) {
      const auto source = values.first(part.numbers);
      values = values.subspan(part.numbers);
      const auto fill = [source, part](std::span<float> stored) {
        to_stored(part, source, stored);
      };
      tensors.push_back({{part.name, part.shape, fill}, detail::gguf_tensor_type(format, entry)});
    }
  }
  detail::add_gguf_extras(kind, description.config, tensors);
  const detail::unfinished_file unchecked(detail::name_beside(path, "tmp"));
  write_gguf(unchecked.path(), pairs, tensors);
  detail::check_gguf(unchecked.path(), description);
  std::error_code problem;
  std::filesystem::rename(unchecked.path(), path, problem);
  if (problem) detail::throw_write_error(path, "cannot be replaced", problem.value());
  detail::sync_path(detail::folder_of(path));
}

}  // namespace prefopt
