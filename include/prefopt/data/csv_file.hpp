#pragma once

#include <csv.h>

#include <algorithm>
#include <cstddef>
#include <exception>
#include <filesystem>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <prefopt/core/error.hpp>
#include <prefopt/data/line_reader.hpp>

namespace prefopt {

namespace detail {

/// libcsv over the lines of a file. Its callbacks must not throw, as C stands in between: what
/// happens in them is looked at after each line.
class csv_rows {
 public:
  csv_rows() {
    if (csv_init(&parser_, CSV_STRICT | CSV_STRICT_FINI | CSV_APPEND_NULL) != 0) {
      throw std::bad_alloc();
    }
  }
  csv_rows(const csv_rows&) = delete;
  csv_rows& operator=(const csv_rows&) = delete;
  ~csv_rows() { csv_free(&parser_); }

  /// Takes a line without its end. Nothing, or what is wrong with it.
  std::string add(std::string_view line) {
    std::string with_end(line);
    with_end += '\n';
    const std::size_t read =
        csv_parse(&parser_, with_end.data(), with_end.size(), &on_field, &on_row, this);
    if (failure_) std::rethrow_exception(failure_);
    if (read != with_end.size()) return csv_strerror(csv_error(&parser_));
    return {};
  }
  std::string finish() {
    const int problem = csv_fini(&parser_, &on_field, &on_row, this);
    if (failure_) std::rethrow_exception(failure_);
    return problem == 0 ? std::string() : csv_strerror(csv_error(&parser_));
  }

  /// The row that is complete, if one is.
  bool take(std::vector<std::string>& row) {
    if (!complete_) return false;
    row = std::move(fields_);
    fields_.clear();
    complete_ = false;
    return true;
  }
  [[nodiscard]] std::size_t held() const {
    return csv_get_buffer_size(const_cast<csv_parser*>(&parser_));
  }

 private:
  static void on_field(void* text, std::size_t size, void* self) {
    auto& rows = *static_cast<csv_rows*>(self);
    try {
      rows.fields_.emplace_back(static_cast<const char*>(text), size);
    } catch (...) {
      rows.failure_ = std::current_exception();
    }
  }
  static void on_row(int, void* self) { static_cast<csv_rows*>(self)->complete_ = true; }

  csv_parser parser_{};
  std::vector<std::string> fields_;
  bool complete_ = false;  // `fields_` is a whole row
  std::exception_ptr failure_;
};

}  // namespace detail

/// Calls `visit(fields, line)` for every row of a CSV file (RFC 4180; a field in quotes may have
/// line breaks in it) below its first, which names the columns: the fields of the named columns in
/// their order here, and the line, from 1, that the row begins in. Empty lines are passed over; no
/// field may be over 64 MiB. Throws `data_error` naming file, line and column, for a row with too
/// few or too many fields, and for what `visit` throws too.
template <class Visit>
void for_each_csv_row(const std::filesystem::path& path, const std::vector<std::string>& columns,
                      Visit visit) {
  constexpr std::size_t longest = std::size_t{64} << 20U;
  line_reader lines(path);
  detail::csv_rows rows;
  std::vector<std::size_t> places;  // of the columns
  std::size_t width = 0;            // fields of a row
  std::size_t first = 1;            // line of the row that is being read
  std::vector<std::string> row;
  std::vector<std::string> chosen(columns.size());
  const auto use = [&] {
    if (width == 0) {
      width = row.size();
      for (const std::string& column : columns) {
        const auto found = std::find(row.begin(), row.end(), column);
        if (found == row.end()) {
          throw data_error(lines.name(), first, column, "is not among the columns' names");
        }
        places.push_back(static_cast<std::size_t>(found - row.begin()));
      }
      return;
    }
    if (row.size() != width) {
      throw data_error(lines.name(), first, "",
                       "has " + std::to_string(row.size()) + " fields; expected " +
                           std::to_string(width) + ", as the first line");
    }
    for (std::size_t c = 0; c < chosen.size(); ++c) chosen[c] = std::move(row[places[c]]);
    visit(std::span<const std::string>(chosen), first);
  };
  bool inside = false;  // of a row that has begun in a line before
  while (lines.next()) {
    if (!inside) first = lines.number();
    inside = true;
    const std::string problem = rows.add(lines.line());
    if (!problem.empty())
      throw data_error(lines.name(), lines.number(), "", "is not CSV: " + problem);
    if (rows.take(row)) {
      inside = false;
      use();
    } else if (lines.blank() && first == lines.number()) {
      inside = false;
    }
    if (rows.held() > longest) {
      throw data_error(lines.name(), first, "", "has a field of over 64 MiB");
    }
  }
  if (!rows.finish().empty()) {
    throw data_error(lines.name(), first, "", "ends inside a field in quotes");
  }
  if (rows.take(row)) use();
  if (width == 0) throw data_error(lines.name(), 0, "", "is empty; expected the columns' names");
}

}  // namespace prefopt
