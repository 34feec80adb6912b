#pragma once

#include <cstddef>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <prefopt/core/error.hpp>
#include <prefopt/core/mapped_file.hpp>
#include <prefopt/model/float_format.hpp>
#include <prefopt/model/json_file.hpp>
#include <prefopt/model/safetensors_header.hpp>
#include <prefopt/model/tensor_shape.hpp>
#include <prefopt/model/tensor_source.hpp>

namespace prefopt {

/// Tensors in Hugging Face's safetensors format: one file, or several that an index
/// (`model.safetensors.index.json`) names. Files are mapped, not read, so opening costs the headers
/// alone. F32, F16 and BF16 can be read; other types are listed, and refused when read.
/// Throws `checkpoint_error` for whatever is damaged and `data_error` for files that cannot be
/// opened.
class safetensors_file : public tensor_source {
 public:
  /// A `.safetensors` file, or an index, told by its name's end, `.json`.
  explicit safetensors_file(const std::filesystem::path& path) {
    if (path.extension() == ".json") {
      open_index(path);
    } else {
      open_shard(path);
    }
  }

  [[nodiscard]] std::vector<std::string> names() const override {
    std::vector<std::string> list;
    for (const auto& [name, place] : tensors_) list.push_back(name);
    return list;
  }

  [[nodiscard]] bool contains(std::string_view name) const override {
    return tensors_.find(name) != tensors_.end();
  }

  [[nodiscard]] std::vector<std::size_t> shape(std::string_view name) const override {
    return find(name).entry->shape;
  }

  void read(std::string_view name, std::span<float> out) const override {
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
        where.owner->file.bytes().subspan(where.owner->header.data_begin + entry.begin, bytes),
        out);
  }

  /// How the tensor is stored: "F32", "BF16", ...
  [[nodiscard]] const std::string& type(std::string_view name) const {
    return find(name).entry->type;
  }

  /// The files' `__metadata__`; of several shards, the first one's value of a key.
  [[nodiscard]] const std::map<std::string, std::string>& metadata() const noexcept {
    return metadata_;
  }

  /// The mapped files, in the order in which they were opened.
  [[nodiscard]] std::vector<std::filesystem::path> files() const {
    std::vector<std::filesystem::path> list;
    for (const auto& shard : shards_) list.push_back(shard.file.path());
    return list;
  }

 private:
  struct shard {
    mapped_file file;
    safetensors_header header;
  };
  struct place {
    const shard* owner = nullptr;
    const safetensors_entry* entry = nullptr;
  };

  [[nodiscard]] place find(std::string_view name) const {
    const auto found = tensors_.find(name);
    if (found == tensors_.end()) {
      throw checkpoint_error(shards_.front().file.path().string(),
                             "tensor '" + std::string(name) + "'", "is not in the checkpoint");
    }
    return found->second;
  }

  void open_shard(const std::filesystem::path& path) {
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

  void open_index(const std::filesystem::path& path) {
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

  std::deque<shard> shards_;  // places point into it
  std::map<std::string, place, std::less<>> tensors_;
  std::map<std::string, std::string> metadata_;
};

}  // namespace prefopt
