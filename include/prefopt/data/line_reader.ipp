#pragma once

#include <prefopt/data/line_reader.hpp>

#include <cstring>
#include <span>

#include <prefopt/core/config.hpp>
#include <prefopt/core/error.hpp>

namespace prefopt {

PREFOPT_INLINE bool line_reader::next() {
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

PREFOPT_INLINE void line_reader::fail(const std::string& field, const std::string& problem) const {
  throw data_error(in_.name(), number_, field, problem);
}

PREFOPT_INLINE bool line_reader::take(std::size_t size, std::size_t with_end) {
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

PREFOPT_INLINE bool line_reader::fill() {
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

}  // namespace prefopt
