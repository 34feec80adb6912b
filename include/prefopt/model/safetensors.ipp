#pragma once

#include <prefopt/model/safetensors.hpp>

#include <utility>

#include <prefopt/core/config.hpp>
#include <prefopt/core/error.hpp>
#include <prefopt/model/float_format.hpp>
#include <prefopt/model/json_file.hpp>
#include <prefopt/model/tensor_shape.hpp>

namespace prefopt {

PREFOPT_INLINE safetensors_file::safetensors_file(const std::filesystem::path& path) {
  if (path.extension() == ".json") {
    open_index(path);
  } else {
    open_shard(path);
  }
}

PREFOPT_INLINE std::vector<std::string> safetensors_file::names() const {
  std::vector<std::string> list;
  for (const auto& [name, place] : tensors_) list.push_back(name);
  return list;
}

PREFOPT_INLINE bool safetensors_file::contains(std::string_view name) const {
  return tensors_.find(name) != tensors_.end();
}

PREFOPT_INLINE std::vector<std::size_t> safetensors_file::shape(std::string_view name) const {
  return find(name).entry->shape;
}

PREFOPT_INLINE void safetensors_file::read(std::string_view name, std::span<float> out) const {
  const place where = find(name);
  const std::string file = where.owner->file.path().string();
  const std::string tensor = "tensor '" + std::string(name) + "'";
  const safetensors_entry& entry = *where.entry;
  float_format format = float_format::float32;
  if (entry.type == "F16") {
    format = float_format::float16;
  } else if (entry.type == "BF16") {
    format = float_format::bfloat16;
  } else if (entry.type != "F32") {
    throw checkpoint_error(file, tensor,
                           "is stored as " + entry.type + "; expected F32, F16 or BF16");
  }
  const std::size_t bytes = entry.end - entry.begin;
  if (out.size() != bytes / size_of(format)) {
    throw checkpoint_error(file, tensor,
                           "has shape " + shape_text(entry.shape) + ", not " +
                               std::to_string(out.size()) + " numbers");
  }
  decode_floats(
      format,
      where.owner->file.bytes().subspan(where.owner->header.data_begin + entry.begin, bytes), out);
}

PREFOPT_INLINE const std::string& safetensors_file::type(std::string_view name) const {
  return find(name).entry->type;
}

PREFOPT_INLINE std::vector<std::filesystem::path> safetensors_file::files() const {
  std::vector<std::filesystem::path> list;
  for (const auto& shard : shards_) list.push_back(shard.file.path());
  return list;
}

PREFOPT_INLINE safetensors_file::place safetensors_file::find(std::string_view name) const {
  const auto found = tensors_.find(name);
  if (found == tensors_.end()) {
    throw checkpoint_error(shards_.front().file.path().string(),
                           "tensor '" + std::string(name) + "'", "is not in the checkpoint");
  }
  return found->second;
}

PREFOPT_INLINE void safetensors_file::open_shard(const std::filesystem::path& path) {
  mapped_file file(path);
  auto header = parse_safetensors_header(file.bytes(), path.string());
  shards_.push_back({std::move(file), std::move(header)});
  const shard& added = shards_.back();
  metadata_.insert(added.header.metadata.begin(), added.header.metadata.end());
  for (const auto& [name, entry] : added.header.tensors) {
    if (!tensors_.emplace(name, place{&added, &entry}).second) {
      throw checkpoint_error(path.string(), "tensor '" + name + "'",
                             "is also in " + find(name).owner->file.path().string());
    }
  }
}

PREFOPT_INLINE void safetensors_file::open_index(const std::filesystem::path& path) {
  const auto index = read_checkpoint_json(path);
  if (!index.contains("weight_map") || !index["weight_map"].is_object() ||
      index["weight_map"].empty()) {
    throw checkpoint_error(path.string(), "weight_map", "is absent, empty or not an object");
  }
  std::map<std::string, std::vector<std::string>> names_of_file;
  for (const auto& [name, file] : index["weight_map"].items()) {
    // A name, not a path: an index cannot reach out of its folder.
    if (!file.is_string() ||
        std::filesystem::path(file.get<std::string>()).filename() != file.get<std::string>()) {
      throw checkpoint_error(path.string(), "weight_map: '" + name + "'",
                             "is not mapped to a file's name");
    }
    names_of_file[file.get<std::string>()].push_back(name);
  }
  for (const auto& [file, names] : names_of_file) {
    open_shard(path.parent_path() / file);
    const auto& found = shards_.back().header.tensors;
    std::vector<std::string> missing;
    for (const auto& name : names) {
      if (found.find(name) == found.end()) missing.push_back(name);
    }
    if (!missing.empty()) {
      throw checkpoint_error(path.string(), file,
                             "lacks tensors that the index says it has: " + list_text(missing));
    }
    if (found.size() != names.size()) {
      throw checkpoint_error(path.string(), file, "has tensors that the index does not name");
    }
  }
}

}  // namespace prefopt
