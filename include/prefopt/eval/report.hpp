#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <prefopt/eval/bootstrap.hpp>

namespace prefopt {

/// Rows of text under named columns; how they are shown is chosen when they are: aligned text,
/// Markdown, CSV.
class table {
 public:
  /// Where a column's text stands. Numbers read best to the right.
  enum class alignment { left, right };

  struct column {
    std::string name;
    alignment align = alignment::left;
  };

  explicit table(std::vector<column> columns);

  void add_row(std::vector<std::string> cells);

  [[nodiscard]] const std::vector<column>& columns() const noexcept { return columns_; }
  [[nodiscard]] const std::vector<std::vector<std::string>>& rows() const noexcept { return rows_; }

 private:
  std::vector<column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

/// How many columns of a terminal UTF-8 text takes: one a code point, none for combining marks
/// (U+0300 to U+036F), two for East Asian wide ones and emoji. A byte that is no UTF-8 takes one.
std::size_t display_width(std::string_view text);

namespace detail {

/// A cell on one line: control characters become spaces.
std::string one_line(std::string_view text);

}  // namespace detail

/// The table with aligned columns and a line under their names, for a terminal.
std::string to_text(const table& t);

/// The table in Markdown (GitHub's dialect). Cells are text, not Markdown: `|` and the rest of its
/// punctuation that would act within a line are escaped.
std::string to_markdown(const table& t);

/// The table as CSV (RFC 4180): the names first, lines end with CR LF, a cell with a comma, a quote
/// or a line break stands in quotes.
std::string to_csv(const table& t);

/// Writes `to_csv` to a file that appears whole or not at all; `data_error` where it cannot.
void write_csv(const table& t, const std::filesystem::path& path);

/// A number with so many decimals: "0.782".
std::string format_number(double value, int decimals = 3);

/// Every digit that a double has, for files that are read again.
std::string format_exact(double value);

/// A mean with its interval: "0.782 [0.761, 0.803]".
std::string format_estimate(const mean_estimate& estimate, int decimals = 3);

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/eval/report.ipp>
#endif
