#pragma once

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <prefopt/core/error.hpp>
#include <prefopt/model/tensor_shape.hpp>

namespace prefopt {

/// Reads a file in memory from front to back; whatever reaches beyond its end is a
/// `checkpoint_error` that names the byte.
class checked_cursor {
 public:
  checked_cursor(std::span<const std::byte> bytes, std::string file)
      : bytes_(bytes), file_(std::move(file)) {}

  template <class Number>
  Number number() {
    Number value{};
    std::memcpy(&value, take(sizeof(value)).data(), sizeof(value));
    return value;
  }

  /// A length of eight bytes, then so many bytes.
  std::string text() {
    const auto bytes = take(number<std::uint64_t>());
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }

  /// A count of things that take at least `least` bytes each, so it cannot lie about memory.
  std::size_t count(std::size_t least, const std::string& what) {
    const auto claimed = number<std::uint64_t>();
    if (claimed > left() / least) {
      fail("claims " + std::to_string(claimed) + " " + what + ", more than its " +
           std::to_string(left()) + " bytes left can hold");
    }
    return claimed;
  }

  std::span<const std::byte> take(std::uint64_t length) {
    if (length > left()) {
      fail("is truncated: " + std::to_string(length) + " bytes are to follow, " +
           std::to_string(left()) + " do");
    }
    const auto part = bytes_.subspan(position_, length);
    position_ += length;
    return part;
  }

  [[nodiscard]] std::size_t position() const noexcept { return position_; }
  [[nodiscard]] std::size_t left() const noexcept { return bytes_.size() - position_; }

  [[noreturn]] void fail(const std::string& problem) const {
    throw checkpoint_error(file_, "byte " + std::to_string(position_), problem);
  }

 private:
  std::span<const std::byte> bytes_;
  std::string file_;
  std::size_t position_ = 0;
};

/// The typed keys and values of a GGUF file's front.
class gguf_metadata {
 public:
  using value =
      std::variant<bool, std::uint64_t, std::int64_t, double, std::string,
                   std::vector<std::int64_t>, std::vector<double>, std::vector<std::string>>;

  gguf_metadata() = default;

  /// Reads `count` pairs.
  gguf_metadata(checked_cursor& cursor, std::size_t count, std::string file)
      : file_(std::move(file)) {
    for (std::size_t i = 0; i < count; ++i) {
      std::string key = cursor.text();
      const auto type = cursor.number<std::uint32_t>();
      if (values_.find(key) != values_.end()) cursor.fail("key '" + key + "' stands there twice");
      values_.emplace(std::move(key), type == 9 ? read_array(cursor) : read_scalar(cursor, type));
    }
  }

  [[nodiscard]] bool contains(std::string_view key) const {
    return values_.find(key) != values_.end();
  }

  /// Throws `checkpoint_error` where the key is absent or its value is no such thing.
  [[nodiscard]] const std::string& text(std::string_view key) const {
    return get<std::string>(key, "a string");
  }
  [[nodiscard]] const std::vector<std::string>& texts(std::string_view key) const {
    return get<std::vector<std::string>>(key, "an array of strings");
  }
  [[nodiscard]] const std::vector<std::int64_t>& integers(std::string_view key) const {
    return get<std::vector<std::int64_t>>(key, "an array of integers");
  }
  [[nodiscard]] bool flag(std::string_view key) const { return get<bool>(key, "a boolean"); }

  /// A whole number that is not negative.
  [[nodiscard]] std::uint64_t whole(std::string_view key) const {
    const value& found = at(key);
    if (const auto* number = std::get_if<std::uint64_t>(&found)) return *number;
    if (const auto* number = std::get_if<std::int64_t>(&found); number != nullptr && *number >= 0) {
      return static_cast<std::uint64_t>(*number);
    }
    throw checkpoint_error(file_, place(key), "is not a whole number that is at least 0");
  }

  /// A floating-point number. What is stored as float32 comes as the shortest decimal that rounds
  /// to it: 1e-05, not 9.999999747378752e-06.
  [[nodiscard]] double real(std::string_view key) const {
    return get<double>(key, "a floating-point number");
  }

  /// As above, where the key may be absent.
  [[nodiscard]] std::optional<std::uint64_t> find_whole(std::string_view key) const {
    return contains(key) ? std::optional(whole(key)) : std::nullopt;
  }

  /// All keys, sorted.
  [[nodiscard]] std::vector<std::string> keys() const {
    std::vector<std::string> list;
    for (const auto& [key, ignored] : values_) list.push_back(key);
    return list;
  }

  /// The value as it is stored; throws where the key is absent.
  [[nodiscard]] const value& at(std::string_view key) const {
    const auto found = values_.find(key);
    if (found == values_.end()) throw checkpoint_error(file_, place(key), "is absent");
    return found->second;
  }

 private:
  static std::string place(std::string_view key) { return "key '" + std::string(key) + "'"; }

  template <class Value>
  [[nodiscard]] const Value& get(std::string_view key, const char* kind) const {
    const auto* found = std::get_if<Value>(&at(key));
    if (found == nullptr) {
      throw checkpoint_error(file_, place(key), std::string("is not ") + kind);
    }
    return *found;
  }

  static double shortest(float number) {
    char text[64];
    const auto end = std::to_chars(text, text + sizeof(text), number).ptr;
    double wide = number;
    std::from_chars(text, end, wide);
    return wide;
  }

  static value read_scalar(checked_cursor& cursor, std::uint32_t type) {
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

  static value read_array(checked_cursor& cursor) {
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

  std::string file_;
  std::map<std::string, value, std::less<>> values_;
};

}  // namespace prefopt
