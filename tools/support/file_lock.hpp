#pragma once

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string>

#include <prefopt/core/error.hpp>

namespace tools {

/// Makes the file where there is none and keeps it to one writer, as `prefopt::folder_lock` does
/// for a folder: by the kernel's lock, which ends with its process, however that ends, and is none
/// on file systems that have no locks.
class file_lock {
 public:
  /// Throws `usage_error` where another program holds the file, `data_error` where it cannot be
  /// opened.
  explicit file_lock(const std::filesystem::path& file) {
    for (;;) {
      descriptor_ = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
      if (descriptor_ < 0) {
        throw prefopt::data_error(file.string(), 0, "",
                                  std::string("cannot be written: ") + std::strerror(errno));
      }
      if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
        ::close(descriptor_);
        throw prefopt::usage_error(file.string() + ": another program is writing to this file");
      }
      // The one before may have removed the file since it was opened.
      struct stat held {};
      struct stat named {};
      if (::fstat(descriptor_, &held) == 0 && ::stat(file.c_str(), &named) == 0 &&
          held.st_ino == named.st_ino && held.st_dev == named.st_dev) {
        return;
      }
      ::close(descriptor_);
    }
  }
  file_lock(const file_lock&) = delete;
  file_lock& operator=(const file_lock&) = delete;
  ~file_lock() { ::close(descriptor_); }

 private:
  int descriptor_ = -1;
};

}  // namespace tools
