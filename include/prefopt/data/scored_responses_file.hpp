#pragma once

#include <filesystem>
#include <span>
#include <vector>

#include <prefopt/data/scored_response.hpp>

namespace prefopt {

/// Reads responses with their scores in JSON Lines: `prompt`, `text`, `reward`, and `tokens` (a
/// list of ids) where the response's tokens are known. Throws `data_error` naming file, line and
/// field.
std::vector<scored_response> read_scored_responses(const std::filesystem::path& path);

/// Writes what `read_scored_responses` reads, as `write_preferences` does. Throws `data_error` for
/// a response without a score.
void write_scored_responses(const std::filesystem::path& path,
                            std::span<const scored_response> responses);

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/data/scored_responses_file.ipp>
#endif
