#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

#include <prefopt/data/input_file.hpp>

namespace prefopt {

/// The lines of a data file, packed or not. A line ends with LF or CRLF, the last one with or
/// without; a byte order mark before the first is dropped. Lines over `longest` bytes are refused.
///
///     line_reader lines("pairs.jsonl.gz");
///     while (lines.next()) use(lines.line(), lines.number());
class line_reader {
 public:
  static constexpr std::size_t default_longest = std::size_t{64} << 20U;

  explicit line_reader(const std::filesystem::path& path, std::size_t longest = default_longest)
      : in_(path), longest_(longest) {}

  /// Goes to the next line; false after the last.
  bool next();

  /// The current line without its end, valid until `next`.
  [[nodiscard]] std::string_view line() const noexcept { return line_; }
  [[nodiscard]] std::size_t number() const noexcept { return number_; }  ///< from 1
  [[nodiscard]] const std::string& name() const noexcept { return in_.name(); }

  /// Whether the current line has nothing but white space.
  [[nodiscard]] bool blank() const noexcept {
    return line_.find_first_not_of(" \t\r\v\f") == std::string_view::npos;
  }

  /// Throws `data_error` for the current line.
  [[noreturn]] void fail(const std::string& field, const std::string& problem) const;

 private:
  bool take(std::size_t size, std::size_t with_end);

  bool fill();

  input_file in_;
  std::size_t longest_;
  std::string buffer_;  // [begin_, end_) is read and not yet given out
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::string_view line_;
  std::size_t number_ = 0;
};

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/data/line_reader.ipp>
#endif
