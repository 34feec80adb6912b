#pragma once

#include <prefopt/model/gguf.hpp>

#include <algorithm>
#include <utility>

#include <prefopt/core/config.hpp>
#include <prefopt/core/error.hpp>
#include <prefopt/model/ggml_blocks.hpp>
#include <prefopt/model/tensor_shape.hpp>

namespace prefopt {

PREFOPT_INLINE gguf_file::gguf_file(const std::filesystem::path& path) : file_(path) {
  checked_cursor cursor(file_.bytes(), path.string());
  if (file_.bytes().size() < 24 || cursor.number<std::uint32_t>() != 0x46554747U) {  // "GGUF"
    throw checkpoint_error(path.string(), "", "is no GGUF file");
  }
  const auto version = cursor.number<std::uint32_t>();
  if (version != 2 && version != 3) {
    cursor.fail((version & 0xFFFFU) == 0
                    ? "is a big-endian GGUF file, which is not read"
                    : "is GGUF version " + std::to_string(version) + "; expected 2 or 3");
  }
  // The shortest tensor: a name's length, no dimension, type, offset. The shortest pair: 13.
  const std::size_t tensor_count = cursor.count(24, "tensors");
  const std::size_t pair_count = cursor.count(13, "metadata pairs");
  metadata_ = gguf_metadata(cursor, pair_count, path.string());
  for (std::size_t i = 0; i < tensor_count; ++i) read_description(cursor);
  place_tensors(cursor.position());
}

PREFOPT_INLINE std::vector<std::string> gguf_file::names() const {
  std::vector<std::string> list;
  for (const auto& [name, ignored] : tensors_) list.push_back(name);
  return list;
}

PREFOPT_INLINE bool gguf_file::contains(std::string_view name) const {
  return tensors_.find(name) != tensors_.end();
}

PREFOPT_INLINE std::vector<std::size_t> gguf_file::shape(std::string_view name) const {
  return find(name).shape;
}

PREFOPT_INLINE void gguf_file::read(std::string_view name, std::span<float> out) const {
  const entry& tensor = find(name);
  if (tensor.type == nullptr) {
    fail(name, "is of ggml type " + std::to_string(tensor.type_number) +
                   ", which is not read; expected one of " + ggml_type_names());
  }
  if (out.size() != tensor.count) {
    fail(name, "has shape " + shape_text(tensor.shape) + ", not " + std::to_string(out.size()) +
                   " numbers");
  }
  dequantize(*tensor.type, file_.bytes().subspan(tensor.begin, tensor.bytes), out);
}

PREFOPT_INLINE std::string gguf_file::type(std::string_view name) const {
  const entry& tensor = find(name);
  return tensor.type != nullptr ? std::string(tensor.type->name)
                                : "type " + std::to_string(tensor.type_number);
}

PREFOPT_INLINE void gguf_file::fail(std::string_view name, const std::string& problem) const {
  throw checkpoint_error(file_.path().string(), "tensor '" + std::string(name) + "'", problem);
}

PREFOPT_INLINE const gguf_file::entry& gguf_file::find(std::string_view name) const {
  const auto found = tensors_.find(name);
  if (found == tensors_.end()) fail(name, "is not in the checkpoint");
  return found->second;
}

PREFOPT_INLINE void gguf_file::read_description(checked_cursor& cursor) {
  const std::string name = cursor.text();
  entry tensor;
  const auto dimensions = cursor.number<std::uint32_t>();
  if (dimensions > 4) {
    fail(name, "has " + std::to_string(dimensions) + " dimensions; at most 4 are allowed");
  }
  for (std::uint32_t d = 0; d < dimensions; ++d) {
    tensor.shape.insert(tensor.shape.begin(), cursor.number<std::uint64_t>());
  }
  tensor.type_number = cursor.number<std::uint32_t>();
  tensor.type = find_ggml_type(tensor.type_number);
  tensor.begin = cursor.number<std::uint64_t>();
  // Every number takes at least a fraction of a byte, so more than 16 times the file is a lie.
  if (!count_elements(tensor.shape, tensor.count) || tensor.count / 16 > file_.bytes().size()) {
    fail(name, "has shape " + shape_text(tensor.shape) + ", which the file cannot hold");
  }
  if (tensor.type != nullptr) {
    const std::size_t row = tensor.shape.empty() ? 1 : tensor.shape.back();
    if (row % tensor.type->block_numbers != 0) {
      fail(name, "has rows of " + std::to_string(row) + " numbers, no multiple of the " +
                     std::to_string(tensor.type->block_numbers) + " in a block of " +
                     std::string(tensor.type->name));
    }
    tensor.bytes = tensor.count / tensor.type->block_numbers * tensor.type->block_bytes;
  }
  if (!tensors_.emplace(name, std::move(tensor)).second) fail(name, "stands there twice");
}

PREFOPT_INLINE void gguf_file::place_tensors(std::size_t front) {
  const std::uint64_t alignment = metadata_.find_whole("general.alignment").value_or(32);
  if (alignment == 0 || alignment > (1U << 20U) || (alignment & (alignment - 1)) != 0) {
    throw checkpoint_error(file_.path().string(), "key 'general.alignment'",
                           "is " + std::to_string(alignment) + ", no power of two up to 2^20");
  }
  const std::uint64_t size = file_.bytes().size();
  const std::uint64_t data = (front + alignment - 1) / alignment * alignment;
  std::vector<std::pair<const std::string, entry>*> order;
  for (auto& tensor : tensors_) {
    auto& [name, place] = tensor;
    if (place.begin % alignment != 0) {
      fail(name, "begins at byte " + std::to_string(place.begin) +
                     " of the data, which is not aligned to " + std::to_string(alignment));
    }
    if (data > size || place.begin > size - data || place.bytes > size - data - place.begin) {
      fail(name, "reaches beyond the end of the file: it is truncated");
    }
    place.begin += data;
    order.push_back(&tensor);
  }
  std::sort(order.begin(), order.end(), [](const auto* a, const auto* b) {
    return std::pair(a->second.begin, a->second.bytes) <
           std::pair(b->second.begin, b->second.bytes);
  });
  for (std::size_t i = 1; i < order.size(); ++i) {
    const entry& before = order[i - 1]->second;
    if (before.begin + before.bytes > order[i]->second.begin) {
      fail(order[i]->first, "overlaps tensor '" + order[i - 1]->first + "'");
    }
  }
}

}  // namespace prefopt
