#pragma once

#include <filesystem>

#include <prefopt/model/checkpoint.hpp>
#include <prefopt/model/eigen_transformer.hpp>
#include <prefopt/text/byte_level_bpe.hpp>

namespace experiment {

/// A model with the tokenizer that belongs to it, and what is needed to save it again.
struct language {
  prefopt::eigen_transformer model;
  prefopt::byte_level_bpe tokenizer;
  prefopt::checkpoint_description description;
};

/// Opens a checkpoint folder, a GGUF file, or a model of Hugging Face's cache by its name. Throws
/// `prefopt::checkpoint_error`.
language open_language(const std::filesystem::path& path);

/// Writes `model` as a checkpoint that transformers loads, with the tokenizer of `like`.
void save_language(const std::filesystem::path& folder, prefopt::eigen_transformer& model,
                   const language& like);

}  // namespace experiment
