#pragma once

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string>
#include <utility>

#include <prefopt/core/error.hpp>

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
  explicit folder_lock(const std::filesystem::path& folder)
      : descriptor_(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
    if (descriptor_ < 0) {
      throw data_error(folder.string(), 0, "", std::string("cannot open: ") + std::strerror(errno));
    }
    if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
      ::close(descriptor_);
      throw usage_error(folder.string() + ": another program is writing to this folder");
    }
  }
  folder_lock(folder_lock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  folder_lock& operator=(folder_lock&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  folder_lock(const folder_lock&) = delete;
  folder_lock& operator=(const folder_lock&) = delete;
  ~folder_lock() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }

 private:
  int descriptor_ = -1;
};

}  // namespace prefopt
