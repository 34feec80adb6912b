#pragma once

#include <prefopt/model/gguf_metadata.hpp>

#include <charconv>

#include <prefopt/core/config.hpp>

namespace prefopt {

PREFOPT_INLINE std::string checked_cursor::text() {
  const auto bytes = take(number<std::uint64_t>());
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

PREFOPT_INLINE std::size_t checked_cursor::count(std::size_t least, const std::string& what) {
  const auto claimed = number<std::uint64_t>();
  if (claimed > left() / least) {
    fail("claims " + std::to_string(claimed) + " " + what + ", more than its " +
         std::to_string(left()) + " bytes left can hold");
  }
  return claimed;
}

PREFOPT_INLINE std::span<const std::byte> checked_cursor::take(std::uint64_t length) {
  if (length > left()) {
    fail("is truncated: " + std::to_string(length) + " bytes are to follow, " +
         std::to_string(left()) + " do");
  }
  const auto part = bytes_.subspan(position_, length);
  position_ += length;
  return part;
}

PREFOPT_INLINE void checked_cursor::fail(const std::string& problem) const {
  throw checkpoint_error(file_, "byte " + std::to_string(position_), problem);
}

PREFOPT_INLINE gguf_metadata::gguf_metadata(checked_cursor& cursor, std::size_t count,
                                            std::string file)
    : file_(std::move(file)) {
  for (std::size_t i = 0; i < count; ++i) {
    std::string key = cursor.text();
    const auto type = cursor.number<std::uint32_t>();
    if (values_.find(key) != values_.end()) cursor.fail("key '" + key + "' stands there twice");
    values_.emplace(std::move(key), type == 9 ? read_array(cursor) : read_scalar(cursor, type));
  }
}

PREFOPT_INLINE bool gguf_metadata::contains(std::string_view key) const {
  return values_.find(key) != values_.end();
}

PREFOPT_INLINE const std::string& gguf_metadata::text(std::string_view key) const {
  return get<std::string>(key, "a string");
}

PREFOPT_INLINE const std::vector<std::string>& gguf_metadata::texts(std::string_view key) const {
  return get<std::vector<std::string>>(key, "an array of strings");
}

PREFOPT_INLINE const std::vector<std::int64_t>& gguf_metadata::integers(
    std::string_view key) const {
  return get<std::vector<std::int64_t>>(key, "an array of integers");
}

PREFOPT_INLINE bool gguf_metadata::flag(std::string_view key) const {
  return get<bool>(key, "a boolean");
}

PREFOPT_INLINE std::uint64_t gguf_metadata::whole(std::string_view key) const {
  const value& found = at(key);
  if (const auto* number = std::get_if<std::uint64_t>(&found)) return *number;
  if (const auto* number = std::get_if<std::int64_t>(&found); number != nullptr && *number >= 0) {
    return static_cast<std::uint64_t>(*number);
  }
  throw checkpoint_error(file_, place(key), "is not a whole number that is at least 0");
}

PREFOPT_INLINE double gguf_metadata::real(std::string_view key) const {
  return get<double>(key, "a floating-point number");
}

PREFOPT_INLINE std::optional<std::uint64_t> gguf_metadata::find_whole(std::string_view key) const {
  return contains(key) ? std::optional(whole(key)) : std::nullopt;
}

PREFOPT_INLINE std::vector<std::string> gguf_metadata::keys() const {
  std::vector<std::string> list;
  for (const auto& [key, ignored] : values_) list.push_back(key);
  return list;
}

PREFOPT_INLINE const gguf_metadata::value& gguf_metadata::at(std::string_view key) const {
  const auto found = values_.find(key);
  if (found == values_.end()) throw checkpoint_error(file_, place(key), "is absent");
  return found->second;
}

PREFOPT_INLINE double gguf_metadata::shortest(float number) {
  char text[64];
  const auto end = std::to_chars(text, text + sizeof(text), number).ptr;
  double wide = number;
  std::from_chars(text, end, wide);
  return wide;
}

PREFOPT_INLINE gguf_metadata::value gguf_metadata::read_scalar(checked_cursor& cursor,
                                                               std::uint32_t type) {
  switch (type) {
    case 0:
      return std::uint64_t{cursor.number<std::uint8_t>()};
    case 1:
      return std::int64_t{cursor.number<std::int8_t>()};
    case 2:
      return std::uint64_t{cursor.number<std::uint16_t>()};
    case 3:
      return std::int64_t{cursor.number<std::int16_t>()};
    case 4:
      return std::uint64_t{cursor.number<std::uint32_t>()};
    case 5:
      return std::int64_t{cursor.number<std::int32_t>()};
    case 6:
      return shortest(cursor.number<float>());
    case 7:
      return cursor.number<std::uint8_t>() != 0;
    case 8:
      return cursor.text();
    case 10:
      return cursor.number<std::uint64_t>();
    case 11:
      return cursor.number<std::int64_t>();
    case 12:
      return cursor.number<double>();
    default:
      cursor.fail("has a value of the unknown type " + std::to_string(type));
  }
}

PREFOPT_INLINE gguf_metadata::value gguf_metadata::read_array(checked_cursor& cursor) {
  const auto type = cursor.number<std::uint32_t>();
  if (type == 9) cursor.fail("has an array of arrays, which no model needs");
  if (type == 8) {
    std::vector<std::string> texts;
    const std::size_t count = cursor.count(8, "strings");
    texts.reserve(count);
    for (std::size_t i = 0; i < count; ++i) texts.push_back(cursor.text());
    return texts;
  }
  const std::size_t count = cursor.count(1, "numbers");
  std::vector<double> reals;
  std::vector<std::int64_t> integers;
  for (std::size_t i = 0; i < count; ++i) {
    const value item = read_scalar(cursor, type);
    if (const auto* real = std::get_if<double>(&item)) reals.push_back(*real);
    if (const auto* flag = std::get_if<bool>(&item)) integers.push_back(*flag ? 1 : 0);
    if (const auto* number = std::get_if<std::int64_t>(&item)) integers.push_back(*number);
    if (const auto* number = std::get_if<std::uint64_t>(&item)) {
      integers.push_back(static_cast<std::int64_t>(*number));
    }
  }
  if (type == 6 || type == 12) return reals;
  return integers;
}

}  // namespace prefopt
