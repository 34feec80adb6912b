#pragma once

#include <filesystem>
#include <utility>

namespace prefopt {

/// Keeps a folder to one writer: whoever holds the lock writes there, and a second one is refused
/// while it lives. The lock is the kernel's (flock on the folder itself), so it leaves no file
/// behind and ends with its process, however that ends. On file systems that have no locks (some
/// network ones) there is none.
class folder_lock {
 public:
  /// Holds nothing.
  folder_lock() = default;

  /// Throws `usage_error` where someone else holds the folder, `data_error` where it cannot be
  /// opened.
  explicit folder_lock(const std::filesystem::path& folder);
  folder_lock(folder_lock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  folder_lock& operator=(folder_lock&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  folder_lock(const folder_lock&) = delete;
  folder_lock& operator=(const folder_lock&) = delete;
  ~folder_lock();

 private:
  int descriptor_ = -1;
};

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/core/folder_lock.ipp>
#endif
