#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

namespace tools {

/// A text and the number of its class.
struct labelled_row {
  std::string text;
  std::size_t label = 0;
};

/// Rows {"text", "label"} of JSON Lines, where the label is one of `labels` or its number, or false
/// and true where there are two; or IMDB's reviews from a .tsv file, packed or not, where a
/// positive one is of the second class. Throws `prefopt::data_error` with the line,
/// `prefopt::usage_error` for a file without a text.
std::vector<labelled_row> read_labelled_rows(const std::filesystem::path& file,
                                             const std::vector<std::string>& labels);

}  // namespace tools
