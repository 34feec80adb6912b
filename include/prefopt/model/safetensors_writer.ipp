#pragma once

#include <prefopt/model/safetensors_writer.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstring>

#include <nlohmann/json.hpp>

#include <prefopt/core/atomic_file.hpp>
#include <prefopt/core/config.hpp>
#include <prefopt/core/error.hpp>
#include <prefopt/model/tensor_shape.hpp>

namespace prefopt {

namespace detail {

inline std::size_t bytes_of(const pending_tensor& tensor, float_format format,
                            const std::filesystem::path& path) {
  std::size_t count = 0;
  auto sides = tensor.shape;
  sides.push_back(size_of(format));
  if (!count_elements(sides, count)) {
    throw checkpoint_error(path.string(), "tensor '" + tensor.name + "'",
                           "shape " + shape_text(tensor.shape) + " is too large");
  }
  return count;
}

inline const char* safetensors_type(float_format format) {
  switch (format) {
    case float_format::float32:
      return "F32";
    case float_format::float16:
      return "F16";
    case float_format::bfloat16:
      return "BF16";
  }
  return "";
}

/// By name, as Hugging Face's writer does, which makes files of equal content equal.
inline std::vector<const pending_tensor*> by_name(std::span<const pending_tensor> tensors,
                                                  const std::filesystem::path& path) {
  std::vector<const pending_tensor*> sorted;
  for (const auto& tensor : tensors) sorted.push_back(&tensor);
  std::sort(sorted.begin(), sorted.end(),
            [](const auto* a, const auto* b) { return a->name < b->name; });
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    if (sorted[i]->name.empty() || sorted[i]->name == "__metadata__" ||
        (i > 0 && sorted[i]->name == sorted[i - 1]->name)) {
      throw checkpoint_error(path.string(), "tensor '" + sorted[i]->name + "'",
                             "this name cannot be written, or stands there twice");
    }
  }
  return sorted;
}

inline void write_safetensors_shard(const std::filesystem::path& path,
                                    std::span<const pending_tensor* const> tensors,
                                    float_format format, const safetensors_metadata& metadata) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  std::size_t end = 0;
  std::size_t largest = 0;
  for (const pending_tensor* tensor : tensors) {
    const std::size_t bytes = bytes_of(*tensor, format, path);
    header[tensor->name] = {{"dtype", safetensors_type(format)},
                            {"shape", tensor->shape},
                            {"data_offsets", {end, end + bytes}}};
    end += bytes;
    largest = std::max(largest, bytes / size_of(format));
  }
  std::string text;
  try {
    text = header.dump();
  } catch (const nlohmann::json::exception& e) {
    throw checkpoint_error(path.string(), "header", std::string("cannot be written: ") + e.what());
  }
  text.resize((text.size() + 7) / 8 * 8, ' ');
  const std::uint64_t length = text.size();
  char prefix[8];
  std::memcpy(prefix, &length, 8);

  atomic_file out(path);
  out.write({prefix, 8});
  out.write(text);
  std::vector<float> values(largest);
  std::vector<std::byte> encoded;
  for (const pending_tensor* tensor : tensors) {
    const std::size_t bytes = bytes_of(*tensor, format, path);
    const std::span<float> part = std::span(values).first(bytes / size_of(format));
    tensor->values(part);
    encoded.resize(bytes);
    if (!encode_floats(format, part, encoded)) {
      throw checkpoint_error(path.string(), "tensor '" + tensor->name + "'",
                             "has a number too large for " + std::string(name_of(format)));
    }
    out.write({reinterpret_cast<const char*>(encoded.data()), bytes});
  }
  out.commit();
}

inline std::vector<pending_tensor> as_pending(std::span<const named_tensor> tensors,
                                              const std::filesystem::path& path) {
  std::vector<pending_tensor> list;
  for (const auto& tensor : tensors) {
    std::size_t count = 0;
    if (!count_elements(tensor.shape, count) || count != tensor.values.size()) {
      throw checkpoint_error(path.string(), "tensor '" + tensor.name + "'",
                             "has " + std::to_string(tensor.values.size()) +
                                 " values, but its shape is " + shape_text(tensor.shape));
    }
    list.push_back({tensor.name, tensor.shape, [values = tensor.values](std::span<float> out) {
                      std::copy(values.begin(), values.end(), out.begin());
                    }});
  }
  return list;
}

}  // namespace detail

PREFOPT_INLINE void write_safetensors(const std::filesystem::path& path,
                                      std::span<const pending_tensor> tensors, float_format format,
                                      const safetensors_metadata& metadata) {
  detail::write_safetensors_shard(path, detail::by_name(tensors, path), format, metadata);
}

PREFOPT_INLINE void write_safetensors(const std::filesystem::path& path,
                                      std::span<const named_tensor> tensors, float_format format,
                                      const safetensors_metadata& metadata) {
  write_safetensors(path, detail::as_pending(tensors, path), format, metadata);
}

PREFOPT_INLINE void write_sharded_safetensors(const std::filesystem::path& folder,
                                              std::span<const pending_tensor> tensors,
                                              float_format format, std::size_t max_shard_bytes,
                                              const safetensors_metadata& metadata) {
  const auto sorted = detail::by_name(tensors, folder);
  std::vector<std::size_t> begins{0};  // of the shards, in `sorted`
  std::size_t shard_bytes = 0;
  std::size_t total_bytes = 0;
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    const std::size_t bytes = detail::bytes_of(*sorted[i], format, folder);
    if (i > begins.back() && bytes > max_shard_bytes - std::min(shard_bytes, max_shard_bytes)) {
      begins.push_back(i);
      shard_bytes = 0;
    }
    shard_bytes += bytes;
    total_bytes += bytes;
  }
  if (begins.size() == 1) {
    detail::write_safetensors_shard(folder / "model.safetensors", sorted, format, metadata);
    return;
  }
  nlohmann::ordered_json index;
  index["metadata"] = {{"total_parameters", total_bytes / size_of(format)},
                       {"total_size", total_bytes}};
  for (std::size_t s = 0; s < begins.size(); ++s) {
    char name[64];
    std::snprintf(name, sizeof(name), "model-%05zu-of-%05zu.safetensors", s + 1, begins.size());
    const std::size_t end = s + 1 < begins.size() ? begins[s + 1] : sorted.size();
    const auto part = std::span(sorted).subspan(begins[s], end - begins[s]);
    detail::write_safetensors_shard(folder / name, part, format, metadata);
    for (const pending_tensor* tensor : part) index["weight_map"][tensor->name] = name;
  }
  write_file_atomically(folder / "model.safetensors.index.json", index.dump(2) + "\n");
}

}  // namespace prefopt
