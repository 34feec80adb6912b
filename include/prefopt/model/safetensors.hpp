#pragma once

#include <cstddef>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <prefopt/core/mapped_file.hpp>
#include <prefopt/model/safetensors_header.hpp>
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
  explicit safetensors_file(const std::filesystem::path& path);

  [[nodiscard]] std::vector<std::string> names() const override;

  [[nodiscard]] bool contains(std::string_view name) const override;

  [[nodiscard]] std::vector<std::size_t> shape(std::string_view name) const override;

  void read(std::string_view name, std::span<float> out) const override;

  /// How the tensor is stored: "F32", "BF16", ...
  [[nodiscard]] const std::string& type(std::string_view name) const;

  /// The files' `__metadata__`; of several shards, the first one's value of a key.
  [[nodiscard]] const std::map<std::string, std::string>& metadata() const noexcept {
    return metadata_;
  }

  /// The mapped files, in the order in which they were opened.
  [[nodiscard]] std::vector<std::filesystem::path> files() const;

 private:
  struct shard {
    mapped_file file;
    safetensors_header header;
  };
  struct place {
    const shard* owner = nullptr;
    const safetensors_entry* entry = nullptr;
  };

  [[nodiscard]] place find(std::string_view name) const;

  void open_shard(const std::filesystem::path& path);

  void open_index(const std::filesystem::path& path);

  std::deque<shard> shards_;  // places point into it
  std::map<std::string, place, std::less<>> tensors_;
  std::map<std::string, std::string> metadata_;
};

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/model/safetensors.ipp>
#endif
