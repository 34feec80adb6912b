#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <prefopt/core/mapped_file.hpp>
#include <prefopt/model/gguf_metadata.hpp>
#include <prefopt/model/tensor_source.hpp>

namespace prefopt {

struct ggml_type;

/// A GGUF file, version 2 or 3, little-endian: metadata and tensors, which are dequantized when
/// read. The file is mapped, so opening costs its front alone, and every number in it is checked
/// before it is used. Throws `checkpoint_error` for whatever is damaged and `data_error` for a file
/// that cannot be opened. Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
class gguf_file : public tensor_source {
 public:
  explicit gguf_file(const std::filesystem::path& path);

  [[nodiscard]] const gguf_metadata& metadata() const noexcept { return metadata_; }

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return file_.path(); }

  [[nodiscard]] std::vector<std::string> names() const override;

  [[nodiscard]] bool contains(std::string_view name) const override;

  /// Row-major: ggml counts dimensions from the innermost, this the other way round.
  [[nodiscard]] std::vector<std::size_t> shape(std::string_view name) const override;

  void read(std::string_view name, std::span<float> out) const override;

  /// How the tensor is stored: "F32", "Q4_1", ..., "type 16" for what is not read.
  [[nodiscard]] std::string type(std::string_view name) const;

 private:
  struct entry {
    std::vector<std::size_t> shape;
    std::size_t count = 0;
    std::uint32_t type_number = 0;
    const ggml_type* type = nullptr;
    std::uint64_t begin = 0;  // of the data at first, then of the file
    std::size_t bytes = 0;    // 0 where the type is unknown
  };

  [[noreturn]] void fail(std::string_view name, const std::string& problem) const;

  [[nodiscard]] const entry& find(std::string_view name) const;

  void read_description(checked_cursor& cursor);

  void place_tensors(std::size_t front);

  mapped_file file_;
  gguf_metadata metadata_;
  std::map<std::string, entry, std::less<>> tensors_;
};

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/model/gguf.ipp>
#endif
