#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace prefopt {

/// A film review of the Large Movie Review Dataset (Maas et al. 2011).
struct review {
  std::string split;      ///< "train" or "test"
  bool positive = false;  ///< 7 stars or more
  int stars = 0;          ///< 1 to 10
  std::int64_t id = 0;
  std::string text;  ///< on one line; line breaks are spelled `<br />`

  friend bool operator==(const review&, const review&) = default;
};

/// The text with its `<br />` turned into line breaks.
std::string with_line_breaks(std::string_view text);

inline constexpr std::array<std::string_view, 5> review_columns{"split", "label", "stars", "id",
                                                                "text"};

/// Reads reviews from tab-separated lines under the header `split label stars id text`. The text is
/// kept as it stands, quotes and `<br />` included. Throws `data_error` naming file, line and
/// field.
std::vector<review> read_reviews(const std::filesystem::path& path);

/// Writes what `read_reviews` reads, as `write_preferences` does. Throws `data_error` for a text
/// with a tab or a line break.
void write_reviews(const std::filesystem::path& path, std::span<const review> reviews);

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/data/reviews_file.ipp>
#endif
