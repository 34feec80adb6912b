#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include <prefopt/data/token.hpp>
#include <prefopt/text/bpe_description.hpp>
#include <prefopt/text/byte_level_bpe.hpp>

namespace prefopt {

namespace detail {

/// The id of an added token, or of one of the vocabulary.
std::optional<token_id> find_token(const bpe_description& description, const std::string& content);

}  // namespace detail

/// The tokenizer in a checkpoint's folder: tokenizer.json, else vocab.json and merges.txt, else
/// OpenAI's encoder.json and vocab.bpe. The end token is the `eos_token` of tokenizer_config.json
/// or special_tokens_map.json, else the `eos_token_id` of generation_config.json or config.json,
/// else
/// `<|endoftext|>` where the vocabulary has it. Throws `checkpoint_error`.
bpe_description read_tokenizer_folder(const std::filesystem::path& folder);

/// The tokenizer in a folder, or in a tokenizer.json given by its path.
byte_level_bpe load_tokenizer(const std::filesystem::path& folder_or_file);

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/text/load_tokenizer.ipp>
#endif
