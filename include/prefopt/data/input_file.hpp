#pragma once

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <prefopt/data/decompressor.hpp>

namespace prefopt {

/// A file read from front to end, unpacked on the way: plain, gzip, xz or zstd, told by its first
/// bytes, so that a wrong name does no harm. Memory does not grow with the file. Throws
/// `data_error` where it cannot be read, is damaged or ends too early.
class input_file {
 public:
  explicit input_file(const std::filesystem::path& path);

  /// Fills `out` from its front; 0 at the end of the file. `out` must not be empty.
  std::size_t read(std::span<char> out);

  /// The file's name, for messages.
  [[nodiscard]] const std::string& name() const noexcept { return name_; }

 private:
  [[noreturn]] void fail(const std::string& problem) const;

  void refill();

  std::string name_;
  std::ifstream in_;
  std::vector<char> packed_;
  std::string_view rest_;  // of `packed_`, not yet used
  bool at_end_ = false;    // nothing comes after `rest_`
  std::unique_ptr<decompressor> codec_;
};

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/data/input_file.ipp>
#endif
