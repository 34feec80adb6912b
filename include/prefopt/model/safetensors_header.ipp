#pragma once

#include <prefopt/model/safetensors_header.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <utility>

#include <nlohmann/json.hpp>

#include <prefopt/core/config.hpp>
#include <prefopt/core/error.hpp>
#include <prefopt/model/json_file.hpp>
#include <prefopt/model/tensor_shape.hpp>

namespace prefopt {

PREFOPT_INLINE std::size_t safetensors_type_size(std::string_view type) {
  static constexpr std::array<std::pair<std::string_view, std::size_t>, 15> sizes{{
      {"BOOL", 1},
      {"U8", 1},
      {"I8", 1},
      {"F8_E5M2", 1},
      {"F8_E4M3", 1},
      {"I16", 2},
      {"U16", 2},
      {"F16", 2},
      {"BF16", 2},
      {"I32", 4},
      {"U32", 4},
      {"F32", 4},
      {"F64", 8},
      {"I64", 8},
      {"U64", 8},
  }};
  for (const auto& [name, size] : sizes) {
    if (name == type) return size;
  }
  return 0;
}

namespace detail {

inline safetensors_entry parse_safetensors_entry(const std::string& file, const std::string& name,
                                                 const nlohmann::ordered_json& value) {
  const auto fail = [&](const std::string& problem) -> void {
    throw checkpoint_error(file, "tensor '" + name + "'", problem);
  };
  const auto has = [&](const char* key, bool array) {
    return value.contains(key) && (array ? value[key].is_array() : value[key].is_string());
  };
  if (!value.is_object() || value.size() != 3 || !has("dtype", false) || !has("shape", true) ||
      !has("data_offsets", true)) {
    fail("is not described by dtype, shape and data_offsets");
  }
  const auto numbers = [&](const char* key) {
    std::vector<std::size_t> list;
    for (const auto& item : value[key]) {
      if (!item.is_number_unsigned()) fail(std::string(key) + " is not a list of whole numbers");
      list.push_back(item.get<std::size_t>());
    }
    return list;
  };
  safetensors_entry entry;
  entry.type = value["dtype"].get<std::string>();
  const std::size_t number_size = safetensors_type_size(entry.type);
  if (number_size == 0) fail("has the unknown dtype '" + entry.type + "'");
  entry.shape = numbers("shape");
  const auto offsets = numbers("data_offsets");
  if (offsets.size() != 2 || offsets[0] > offsets[1]) fail("data_offsets is not [begin, end]");
  entry.begin = offsets[0];
  entry.end = offsets[1];
  std::size_t bytes = 0;
  auto sides = entry.shape;
  sides.push_back(number_size);
  if (!count_elements(sides, bytes)) fail("shape " + shape_text(entry.shape) + " is too large");
  if (bytes != entry.end - entry.begin) {
    fail("shape " + shape_text(entry.shape) + " of " + entry.type + " takes " +
         std::to_string(bytes) + " bytes, but data_offsets span " +
         std::to_string(entry.end - entry.begin));
  }
  return entry;
}

/// Tensors must lie one after another and fill the file: no overlaps, no gaps, nothing behind.
inline void check_safetensors_places(const std::string& file, const safetensors_header& header,
                                     std::size_t data_bytes) {
  using place = std::pair<const std::string, safetensors_entry>;
  std::vector<const place*> places;
  for (const auto& tensor : header.tensors) places.push_back(&tensor);
  std::sort(places.begin(), places.end(), [](const place* a, const place* b) {
    return std::pair(a->second.begin, a->second.end) < std::pair(b->second.begin, b->second.end);
  });
  std::size_t filled = 0;
  for (const place* tensor : places) {
    const auto& [name, entry] = *tensor;
    if (entry.end > data_bytes) {
      throw checkpoint_error(file, "tensor '" + name + "'",
                             "ends at byte " + std::to_string(entry.end) +
                                 " of the data, but the "
                                 "file has " +
                                 std::to_string(data_bytes) + ": it is truncated");
    }
    if (entry.begin != filled) {
      throw checkpoint_error(file, "tensor '" + name + "'",
                             std::string(entry.begin < filled ? "overlaps the one before it"
                                                              : "leaves a gap before it") +
                                 ": it begins at byte " + std::to_string(entry.begin) +
                                 " of the data, expected " + std::to_string(filled));
    }
    filled = entry.end;
  }
  if (filled != data_bytes) {
    throw checkpoint_error(
        file, "",
        std::to_string(data_bytes - filled) + " bytes behind the last tensor belong to none");
  }
}

}  // namespace detail

PREFOPT_INLINE safetensors_header parse_safetensors_header(std::span<const std::byte> bytes,
                                                           const std::string& file) {
  if (bytes.size() < 8) {
    throw checkpoint_error(
        file, "",
        "is no safetensors file: it has " + std::to_string(bytes.size()) + " bytes, not even 8");
  }
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), 8);
  if (length > 100'000'000 || length > bytes.size() - 8) {
    throw checkpoint_error(file, "header",
                           "claims " + std::to_string(length) + " bytes, but the file has " +
                               std::to_string(bytes.size() - 8) +
                               " after its length, and 100000000 are allowed: it is truncated, or "
                               "no safetensors file");
  }
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()) + 8, length);
  if (text.empty() || text.front() != '{') {
    throw checkpoint_error(file, "header", "does not begin with '{': this is no safetensors file");
  }
  const auto json = parse_checkpoint_json(text, file, "header");
  safetensors_header header;
  header.data_begin = 8 + length;
  for (const auto& [name, value] : json.items()) {
    if (name != "__metadata__") {
      header.tensors.emplace(name, detail::parse_safetensors_entry(file, name, value));
      continue;
    }
    if (!value.is_object()) throw checkpoint_error(file, "__metadata__", "is not an object");
    for (const auto& [key, item] : value.items()) {
      if (!item.is_string()) {
        throw checkpoint_error(file, "__metadata__", "the value of '" + key + "' is not a string");
      }
      header.metadata.emplace(key, item.get<std::string>());
    }
  }
  detail::check_safetensors_places(file, header, bytes.size() - header.data_begin);
  return header;
}

}  // namespace prefopt
