#pragma once

#include <filesystem>

#include <prefopt/model/checkpoint.hpp>

namespace prefopt {

/// Writes tokenizer.json, tokenizer_config.json and special_tokens_map.json of the description's
/// `tokenizer`, for transformers' `AutoTokenizer`. Throws `usage_error` where there is none or one
/// of the description's tokens is not in it.
void save_tokenizer(const std::filesystem::path& folder, const checkpoint_description& description);

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/model/save_tokenizer.ipp>
#endif
