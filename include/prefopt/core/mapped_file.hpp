#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>

namespace prefopt {

/// A file's bytes, mapped to memory to be read. The one header of core/ that needs Boost; the light
/// headers do not include it. As with every mapping, a file that another process shortens while it
/// is mapped ends the program, so writers replace files and do not change them (`atomic_file`).
class mapped_file {
 public:
  /// Throws `data_error` where `path` is no readable regular file.
  explicit mapped_file(std::filesystem::path path);

  mapped_file(mapped_file&&) noexcept;
  mapped_file& operator=(mapped_file&&) noexcept;
  ~mapped_file();

  /// Valid while this object lives, also after it is moved.
  [[nodiscard]] std::span<const std::byte> bytes() const noexcept;

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

 private:
  struct region;

  std::filesystem::path path_;
  std::unique_ptr<region> region_;  // none of an empty file
};

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/core/mapped_file.ipp>
#endif
