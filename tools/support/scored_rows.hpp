#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <prefopt/data/token.hpp>

namespace tools {

/// A row with a response and, where `prefopt score` was at it, a score.
struct scored_row {
  std::string response;
  prefopt::token_sequence response_ids;  ///< empty: not known
  std::optional<double> score;
  std::size_t line = 0;
};

/// The responses to one prompt, in the file's order.
struct scored_prompt {
  std::string prompt;
  std::vector<scored_row> responses;
};

/// Prompts in the order in which they first appear. Throws `prefopt::data_error`, with the line,
/// for a row without prompt or response, and without score where `scores_needed`.
std::vector<scored_prompt> read_scored_prompts(const std::filesystem::path& file,
                                               bool scores_needed);

}  // namespace tools
