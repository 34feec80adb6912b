#pragma once

#include <prefopt/eval/report.hpp>

#include <algorithm>
#include <cstdio>
#include <utility>

#include <prefopt/core/atomic_file.hpp>
#include <prefopt/core/config.hpp>
#include <prefopt/core/error.hpp>

namespace prefopt {

PREFOPT_INLINE table::table(std::vector<column> columns) : columns_(std::move(columns)) {
  if (columns_.empty()) throw usage_error("a table has no columns");
}

PREFOPT_INLINE void table::add_row(std::vector<std::string> cells) {
  if (cells.size() != columns_.size()) {
    throw usage_error("a table's row has " + std::to_string(cells.size()) + " cells; expected " +
                      std::to_string(columns_.size()));
  }
  rows_.push_back(std::move(cells));
}

PREFOPT_INLINE std::size_t display_width(std::string_view text) {
  std::size_t width = 0;
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    std::size_t length = lead < 0x80    ? 1
                         : lead >= 0xF0 ? 4
                         : lead >= 0xE0 ? 3
                         : lead >= 0xC0 ? 2
                                        : 1;
    unsigned long code = length == 1 ? lead : lead & (0xFFU >> (length + 1));
    for (std::size_t k = 1; k < length; ++k) {
      if (i + k >= text.size() || (static_cast<unsigned char>(text[i + k]) & 0xC0U) != 0x80U) {
        length = 1;
        break;
      }
      code = code << 6U | (static_cast<unsigned char>(text[i + k]) & 0x3FU);
    }
    i += length;
    if (length == 1) {
      ++width;
      continue;
    }
    const bool combining = code >= 0x300 && code <= 0x36F;
    const bool wide = (code >= 0x1100 && code <= 0x115F) || (code >= 0x2E80 && code <= 0xA4CF) ||
                      (code >= 0xAC00 && code <= 0xD7A3) || (code >= 0xF900 && code <= 0xFAFF) ||
                      (code >= 0xFE30 && code <= 0xFE6F) || (code >= 0xFF00 && code <= 0xFF60) ||
                      (code >= 0x1F300 && code <= 0x1FAFF) || (code >= 0x20000 && code <= 0x3FFFD);
    width += combining ? 0 : wide ? 2 : 1;
  }
  return width;
}

namespace detail {

PREFOPT_INLINE std::string one_line(std::string_view text) {
  std::string line(text);
  for (char& c : line) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
  }
  return line;
}

/// Each column's width; `shown(cell)` is the text to be printed for it.
template <class Shown>
std::vector<std::size_t> column_widths(const table& t, Shown&& shown, std::size_t least) {
  std::vector<std::size_t> widths;
  for (const auto& column : t.columns()) {
    widths.push_back(std::max(least, display_width(shown(column.name))));
  }
  for (const auto& row : t.rows()) {
    for (std::size_t c = 0; c < row.size(); ++c) {
      widths[c] = std::max(widths[c], display_width(shown(row[c])));
    }
  }
  return widths;
}

inline std::string padded(const std::string& text, std::size_t width, table::alignment align) {
  const std::string space(width - std::min(width, display_width(text)), ' ');
  return align == table::alignment::right ? space + text : text + space;
}

}  // namespace detail

PREFOPT_INLINE std::string to_text(const table& t) {
  const auto widths = detail::column_widths(t, detail::one_line, 0);
  std::string text;
  const auto add = [&](auto&& cell_of) {
    std::string line;
    for (std::size_t c = 0; c < widths.size(); ++c) {
      line += (c == 0 ? "" : "  ") +
              detail::padded(detail::one_line(cell_of(c)), widths[c], t.columns()[c].align);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + '\n';
  };
  add([&](std::size_t c) { return t.columns()[c].name; });
  add([&](std::size_t c) { return std::string(widths[c], '-'); });
  for (const auto& row : t.rows()) {
    add([&](std::size_t c) { return row[c]; });
  }
  return text;
}

PREFOPT_INLINE std::string to_markdown(const table& t) {
  const auto escaped = [](std::string_view cell) {
    std::string text;
    for (const char c : detail::one_line(cell)) {
      if (std::string_view("\\|`*_[]<").find(c) != std::string_view::npos) text += '\\';
      text += c;
    }
    return text;
  };
  const auto widths = detail::column_widths(t, escaped, 3);
  std::string text;
  const auto add = [&](auto&& cell_of) {
    for (std::size_t c = 0; c < widths.size(); ++c) {
      text += "| " + detail::padded(cell_of(c), widths[c], t.columns()[c].align) + " ";
    }
    text += "|\n";
  };
  add([&](std::size_t c) { return escaped(t.columns()[c].name); });
  add([&](std::size_t c) {
    std::string rule(widths[c], '-');
    if (t.columns()[c].align == table::alignment::right) rule.back() = ':';
    return rule;
  });
  for (const auto& row : t.rows()) {
    add([&](std::size_t c) { return escaped(row[c]); });
  }
  return text;
}

PREFOPT_INLINE std::string to_csv(const table& t) {
  std::string text;
  const auto add = [&](std::string_view cell, bool last) {
    if (cell.find_first_of(",\"\r\n") == std::string_view::npos) {
      text += cell;
    } else {
      text += '"';
      for (const char c : cell) text.append(c == '"' ? 2 : 1, c);
      text += '"';
    }
    text += last ? "\r\n" : ",";
  };
  const std::size_t count = t.columns().size();
  for (std::size_t c = 0; c < count; ++c) add(t.columns()[c].name, c + 1 == count);
  for (const auto& row : t.rows()) {
    for (std::size_t c = 0; c < count; ++c) add(row[c], c + 1 == count);
  }
  return text;
}

PREFOPT_INLINE void write_csv(const table& t, const std::filesystem::path& path) {
  write_file_atomically(path, to_csv(t));
}

PREFOPT_INLINE std::string format_number(double value, int decimals) {
  char text[400];
  std::snprintf(text, sizeof text, "%.*f", decimals, value);
  return text;
}

PREFOPT_INLINE std::string format_exact(double value) {
  char text[40];
  std::snprintf(text, sizeof text, "%.17g", value);
  return text;
}

PREFOPT_INLINE std::string format_estimate(const mean_estimate& estimate, int decimals) {
  return format_number(estimate.mean, decimals) + " [" + format_number(estimate.low, decimals) +
         ", " + format_number(estimate.high, decimals) + "]";
}

}  // namespace prefopt
