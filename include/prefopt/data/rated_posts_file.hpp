#pragma once

#include <filesystem>
#include <span>
#include <vector>

#include <prefopt/data/scored_response.hpp>

namespace prefopt {

/// Reads the ODPO authors' format, one JSON object {post: {"responses": [...], "rewards": [...]}},
/// into responses in the file's order; the post is the prompt. At most 1 GiB unpacked, as it is
/// read as a whole. Throws `data_error` naming the file, and the post's number (from 1) and field.
std::vector<scored_response> read_rated_posts(const std::filesystem::path& path);

/// Writes what `read_rated_posts` reads, as `write_preferences` does; responses of one prompt are
/// brought together, prompts in order of their first response. Throws `data_error` for a response
/// without a score.
void write_rated_posts(const std::filesystem::path& path,
                       std::span<const scored_response> responses);

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/data/rated_posts_file.ipp>
#endif
