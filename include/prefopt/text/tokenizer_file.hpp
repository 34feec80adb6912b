#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include <prefopt/data/token.hpp>

namespace prefopt {

/// The bytes of one of a tokenizer's files, at most 100 MB. Throws `checkpoint_error`.
std::string read_tokenizer_file(const std::filesystem::path& path);

/// One of them that is a JSON object.
nlohmann::json read_tokenizer_json_file(const std::filesystem::path& path);

/// Text from the file for a message, cut short.
std::string quote_text(std::string_view text);
std::string quote_json(const nlohmann::json& value);

/// A token's id from a file, below `limit`.
token_id token_id_from_json(const nlohmann::json& value, std::size_t limit, const std::string& file,
                            const std::string& place);

/// A vocabulary {token: id} as a list by id. Ids that no token has become empty strings; they may
/// not be many, so that a damaged file cannot ask for unbounded memory. `more` tokens will be
/// added.
std::vector<std::string> vocabulary_from_json(const nlohmann::json& tokens, std::size_t more,
                                              const std::string& file, const std::string& place);

/// "left right" of a merge; nothing where it is not two tokens.
std::optional<std::pair<std::string, std::string>> split_merge(std::string_view line);

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/text/tokenizer_file.ipp>
#endif
