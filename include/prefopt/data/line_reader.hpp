#pragma once

#include <cstddef>
#include <cstring>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include <prefopt/core/error.hpp>
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
  bool next() {
    std::size_t looked = 0;  // bytes of this line that have no line break
    for (;;) {
      const std::size_t held = end_ - begin_;
      const void* found = held > looked
                              ? std::memchr(buffer_.data() + begin_ + looked, '\n', held - looked)
                              : nullptr;
      if (found != nullptr) {
        const auto size =
            static_cast<std::size_t>(static_cast<const char*>(found) - (buffer_.data() + begin_));
        return take(size, size + 1);
      }
      looked = held;
      if (held > longest_) {
        throw data_error(in_.name(), number_ + 1, "",
                         "the line is longer than " + std::to_string(longest_) + " bytes");
      }
      if (!fill()) return held > 0 && take(held, held);
    }
  }

  /// The current line without its end, valid until `next`.
  [[nodiscard]] std::string_view line() const noexcept { return line_; }
  [[nodiscard]] std::size_t number() const noexcept { return number_; }  ///< from 1
  [[nodiscard]] const std::string& name() const noexcept { return in_.name(); }

  /// Whether the current line has nothing but white space.
  [[nodiscard]] bool blank() const noexcept {
    return line_.find_first_not_of(" \t\r\v\f") == std::string_view::npos;
  }

  /// Throws `data_error` for the current line.
  [[noreturn]] void fail(const std::string& field, const std::string& problem) const {
    throw data_error(in_.name(), number_, field, problem);
  }

 private:
  bool take(std::size_t size, std::size_t with_end) {
    line_ = std::string_view(buffer_).substr(begin_, size);
    begin_ += with_end;
    if (line_.size() > longest_) {
      throw data_error(in_.name(), number_ + 1, "",
                       "the line is longer than " + std::to_string(longest_) + " bytes");
    }
    if (line_.ends_with('\r')) line_.remove_suffix(1);
    if (number_++ == 0 && line_.starts_with("\xEF\xBB\xBF")) line_.remove_prefix(3);
    return true;
  }

  bool fill() {
    constexpr std::size_t step = 1U << 16U;
    if (begin_ > 0) {
      buffer_.erase(0, begin_);
      end_ -= begin_;
      begin_ = 0;
    }
    if (buffer_.size() < end_ + step) buffer_.resize(2 * end_ + step);
    const std::size_t count = in_.read(std::span<char>(buffer_).subspan(end_));
    end_ += count;
    return count > 0;
  }

  input_file in_;
  std::size_t longest_;
  std::string buffer_;  // [begin_, end_) is read and not yet given out
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::string_view line_;
  std::size_t number_ = 0;
};

}  // namespace prefopt
