#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <prefopt/data/json_row.hpp>
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
  prefopt::token_sequence prompt_ids;  ///< empty: not known
  std::vector<scored_row> responses;
};

/// Puts rows together by their prompts: the same text and, where they are known, the same tokens.
class scored_prompts {
 public:
  explicit scored_prompts(bool scores_needed) : scores_needed_(scores_needed) {}

  /// Throws `prefopt::data_error`, with the line, for a row without prompt or response, and without
  /// score where `scores_needed`.
  void add(const prefopt::json_row& row);

  /// Prompts in the order in which they first appeared.
  [[nodiscard]] std::vector<scored_prompt> take() { return std::move(prompts_); }

 private:
  bool scores_needed_;
  std::vector<scored_prompt> prompts_;
  std::map<std::pair<std::string, prefopt::token_sequence>, std::size_t> places_;
};

/// Of a file, see `for_each_row`.
std::vector<scored_prompt> read_scored_prompts(const std::filesystem::path& file,
                                               bool scores_needed);

}  // namespace tools
