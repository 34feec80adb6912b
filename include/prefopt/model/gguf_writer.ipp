#pragma once

#include <prefopt/model/gguf_writer.hpp>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <set>
#include <string_view>
#include <type_traits>

#include <prefopt/core/atomic_file.hpp>
#include <prefopt/core/config.hpp>
#include <prefopt/core/error.hpp>
#include <prefopt/model/ggml_blocks.hpp>
#include <prefopt/model/tensor_shape.hpp>

namespace prefopt {

namespace detail {

/// The front of a GGUF file, number by number, as `checked_cursor` reads it.
class gguf_front {
 public:
  template <class Number>
  void number(Number value) {
    static_assert(std::is_arithmetic_v<Number>);
    char bytes[sizeof(value)];
    std::memcpy(bytes, &value, sizeof(value));
    bytes_.append(bytes, sizeof(value));
  }
  void text(std::string_view value) {
    number(std::uint64_t{value.size()});
    bytes_ += value;
  }
  void pair(const std::string& key, const gguf_value& value) {
    text(key);
    std::visit([&](const auto& held) { put(held); }, value);
  }
  void raw(std::string_view bytes) { bytes_ += bytes; }
  [[nodiscard]] const std::string& bytes() const { return bytes_; }

 private:
  // The types' numbers: 4 uint32, 5 int32, 6 float32, 7 bool, 8 string, 9 array.
  void put(bool value) {
    number(std::uint32_t{7});
    number(static_cast<std::uint8_t>(value ? 1 : 0));
  }
  void put(std::uint32_t value) {
    number(std::uint32_t{4});
    number(value);
  }
  void put(float value) {
    number(std::uint32_t{6});
    number(value);
  }
  void put(const std::string& value) {
    number(std::uint32_t{8});
    text(value);
  }
  void put(const std::vector<std::int32_t>& values) {
    array(5, values.size());
    for (const std::int32_t value : values) number(value);
  }
  void put(const std::vector<std::string>& values) {
    array(8, values.size());
    for (const auto& value : values) text(value);
  }
  void array(std::uint32_t type, std::size_t count) {
    number(std::uint32_t{9});
    number(type);
    number(std::uint64_t{count});
  }

  std::string bytes_;
};

/// Numbers and bytes of a tensor; throws for what cannot be stored as its type.
inline std::pair<std::size_t, std::size_t> gguf_size(const gguf_tensor& each,
                                                     const std::filesystem::path& path) {
  const auto fail = [&](const std::string& problem) {
    throw checkpoint_error(path.string(), "tensor '" + each.tensor.name + "'", problem);
  };
  const auto& shape = each.tensor.shape;
  if (shape.empty() || shape.size() > 4 || each.tensor.name.empty() ||
      each.tensor.name.size() > 63) {
    fail("cannot be written: GGUF has names of 1 to 63 bytes and 1 to 4 dimensions");
  }
  std::size_t count = 0;
  if (!count_elements(shape, count) || count > std::size_t{1} << 60U) {
    fail("shape " + shape_text(shape) + " is too large");
  }
  if (each.type == nullptr || shape.back() % each.type->block_numbers != 0) {
    fail("has rows of " + std::to_string(shape.back()) + " numbers, which its type cannot store");
  }
  return {count, count / each.type->block_numbers * each.type->block_bytes};
}

}  // namespace detail

PREFOPT_INLINE void write_gguf(const std::filesystem::path& path, const gguf_pairs& pairs,
                               std::span<const gguf_tensor> tensors) {
  constexpr std::size_t alignment = 32;
  const auto aligned = [](std::size_t size) {
    return (size + alignment - 1) / alignment * alignment;
  };
  detail::gguf_front front;
  front.raw("GGUF");
  front.number(std::uint32_t{3});
  front.number(std::uint64_t{tensors.size()});
  front.number(std::uint64_t{pairs.size()});
  for (const auto& [key, value] : pairs) front.pair(key, value);
  std::set<std::string_view> names;
  std::size_t offset = 0;
  std::size_t largest = 0;
  for (const auto& each : tensors) {
    if (!names.insert(each.tensor.name).second) {
      throw checkpoint_error(path.string(), "tensor '" + each.tensor.name + "'",
                             "stands there twice");
    }
    const auto [count, bytes] = detail::gguf_size(each, path);
    front.text(each.tensor.name);
    front.number(static_cast<std::uint32_t>(each.tensor.shape.size()));
    for (std::size_t d = each.tensor.shape.size(); d-- > 0;) {  // innermost first
      front.number(std::uint64_t{each.tensor.shape[d]});
    }
    front.number(each.type->number);
    front.number(std::uint64_t{offset});
    offset += aligned(bytes);
    largest = std::max(largest, count);
  }
  front.raw(std::string(aligned(front.bytes().size()) - front.bytes().size(), '\0'));

  atomic_file out(path);
  out.write(front.bytes());
  std::vector<float> values(largest);
  std::vector<std::byte> stored;
  for (const auto& each : tensors) {
    const auto [count, bytes] = detail::gguf_size(each, path);
    const auto part = std::span(values).first(count);
    each.tensor.values(part);
    stored.assign(aligned(bytes), std::byte{0});
    if (!quantize(*each.type, part, std::span(stored).first(bytes))) {
      throw checkpoint_error(path.string(), "tensor '" + each.tensor.name + "'",
                             "has a number that " + std::string(each.type->name) + " cannot hold");
    }
    out.write({reinterpret_cast<const char*>(stored.data()), stored.size()});
  }
  out.commit();
}

}  // namespace prefopt
