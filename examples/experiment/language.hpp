#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <prefopt/data/token.hpp>
#include <prefopt/model/any_transformer.hpp>
#include <prefopt/model/checkpoint.hpp>
#include <prefopt/text/byte_level_bpe.hpp>
#include <prefopt/text/tokenizer.hpp>

#include "support/device.hpp"

namespace experiment {

/// A model with the tokenizer that belongs to it, what is needed to save it again, and the device
/// that it is on.
struct language {
  prefopt::any_transformer model;
  prefopt::byte_level_bpe tokenizer;
  prefopt::checkpoint_description description;
  tools::device on;
};

/// Text that spells a special token is text like any other, in a data set as in the prompts that
/// are sampled from.
struct plain_tokenizer {
  const prefopt::byte_level_bpe& all;

  [[nodiscard]] prefopt::token_sequence encode(std::string_view text) const {
    return all.encode(text, {.special_tokens = false});
  }
  [[nodiscard]] std::string decode(std::span<const prefopt::token_id> tokens) const {
    return all.decode(tokens);
  }
  [[nodiscard]] std::size_t vocabulary_size() const { return all.vocabulary_size(); }
  [[nodiscard]] std::optional<prefopt::token_id> end_token() const { return all.end_token(); }
};
static_assert(prefopt::tokenizer<plain_tokenizer>);

/// Opens a checkpoint folder, a GGUF file, or a model of Hugging Face's cache by its name. Throws
/// `prefopt::checkpoint_error`.
language open_language(const std::filesystem::path& path, const tools::device& on);

/// Writes `model` as a checkpoint that transformers loads, with the tokenizer of `like`.
void save_language(const std::filesystem::path& folder, prefopt::any_transformer& model,
                   const language& like);

}  // namespace experiment
