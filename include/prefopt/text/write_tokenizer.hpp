#pragma once

#include <filesystem>

#include <nlohmann/json_fwd.hpp>

#include <prefopt/text/bpe_description.hpp>

namespace prefopt {

/// The content of a tokenizer.json that Hugging Face `tokenizers` reads into the same tokenizer.
nlohmann::ordered_json tokenizer_to_json(const bpe_description& description);

/// Writes tokenizer.json and tokenizer_config.json into an existing folder, so that transformers'
/// `AutoTokenizer` loads it and gives the same ids, whatever file the tokenizer came from. Each
/// file appears whole or not at all. Throws `data_error` where it cannot be written.
void write_tokenizer(const bpe_description& description, const std::filesystem::path& folder);

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/text/write_tokenizer.ipp>
#endif
