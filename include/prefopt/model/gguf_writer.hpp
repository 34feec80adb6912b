#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <prefopt/model/safetensors_writer.hpp>

namespace prefopt {

struct ggml_type;

/// A value of a GGUF file's front, of the types that llama.cpp's own converter writes.
using gguf_value = std::variant<bool, std::uint32_t, float, std::string, std::vector<std::int32_t>,
                                std::vector<std::string>>;
using gguf_pairs = std::vector<std::pair<std::string, gguf_value>>;

/// A tensor that is asked for when it is written, and how it is stored.
struct gguf_tensor {
  pending_tensor tensor;
  const ggml_type* type = nullptr;
};

/// Writes a GGUF file (version 3, aligned to 32 bytes), whole or not at all, its tensors in the
/// order given. Throws `checkpoint_error` for a name that stands there twice and for a number that
/// the tensor's type cannot hold; `data_error` where the file cannot be written.
/// Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
void write_gguf(const std::filesystem::path& path, const gguf_pairs& pairs,
                std::span<const gguf_tensor> tensors);

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/model/gguf_writer.ipp>
#endif
