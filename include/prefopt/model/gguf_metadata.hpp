#pragma once

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
  std::string text();

  /// A count of things that take at least `least` bytes each, so it cannot lie about memory.
  std::size_t count(std::size_t least, const std::string& what);

  std::span<const std::byte> take(std::uint64_t length);

  [[nodiscard]] std::size_t position() const noexcept { return position_; }
  [[nodiscard]] std::size_t left() const noexcept { return bytes_.size() - position_; }

  [[noreturn]] void fail(const std::string& problem) const;

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
  gguf_metadata(checked_cursor& cursor, std::size_t count, std::string file);

  [[nodiscard]] bool contains(std::string_view key) const;

  /// Throws `checkpoint_error` where the key is absent or its value is no such thing.
  [[nodiscard]] const std::string& text(std::string_view key) const;
  [[nodiscard]] const std::vector<std::string>& texts(std::string_view key) const;
  [[nodiscard]] const std::vector<std::int64_t>& integers(std::string_view key) const;
  [[nodiscard]] bool flag(std::string_view key) const;

  /// A whole number that is not negative.
  [[nodiscard]] std::uint64_t whole(std::string_view key) const;

  /// A floating-point number. What is stored as float32 comes as the shortest decimal that rounds
  /// to it: 1e-05, not 9.999999747378752e-06.
  [[nodiscard]] double real(std::string_view key) const;

  /// As above, where the key may be absent.
  [[nodiscard]] std::optional<std::uint64_t> find_whole(std::string_view key) const;

  /// All keys, sorted.
  [[nodiscard]] std::vector<std::string> keys() const;

  /// The value as it is stored; throws where the key is absent.
  [[nodiscard]] const value& at(std::string_view key) const;

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

  static double shortest(float number);

  static value read_scalar(checked_cursor& cursor, std::uint32_t type);

  static value read_array(checked_cursor& cursor);

  std::string file_;
  std::map<std::string, value, std::less<>> values_;
};

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/model/gguf_metadata.ipp>
#endif
