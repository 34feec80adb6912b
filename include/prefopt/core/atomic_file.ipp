#pragma once

#include <prefopt/core/atomic_file.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <string>
#include <system_error>
#include <utility>

#include <prefopt/core/config.hpp>
#include <prefopt/core/error.hpp>

namespace prefopt {

namespace detail {

PREFOPT_INLINE void throw_write_error(const std::filesystem::path& path, const char* action,
                                      int number) {
  throw data_error(
      path.string(), 0, "",
      std::string(action) + ": " + (number != 0 ? std::strerror(number) : "a write failed"));
}

PREFOPT_INLINE std::filesystem::path name_beside(const std::filesystem::path& path,
                                                 const char* purpose) {
  static std::atomic<unsigned> count{0};
  std::filesystem::path name = path;
  name += std::string(".") + purpose + "-" + std::to_string(::getpid()) + "-" +
          std::to_string(count.fetch_add(1));
  return name;
}

PREFOPT_INLINE void sync_path(const std::filesystem::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) throw_write_error(path, "cannot be opened to be synced", errno);
  const int failed = ::fsync(descriptor) == 0 ? 0 : errno;
  ::close(descriptor);
  // Some file systems have nothing to sync in a folder and say so.
  if (failed != 0 && failed != EINVAL) throw_write_error(path, "cannot be synced", failed);
}

PREFOPT_INLINE std::filesystem::path folder_of(const std::filesystem::path& path) {
  return path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
}

}  // namespace detail

PREFOPT_INLINE atomic_file::atomic_file(std::filesystem::path path) : path_(std::move(path)) {
  struct stat old {};
  const bool exists = ::stat(path_.c_str(), &old) == 0;
  if (exists && S_ISDIR(old.st_mode)) detail::throw_write_error(path_, "is a folder", EISDIR);
  if (exists && !S_ISREG(old.st_mode)) {
    stream_.open(path_, std::ios::binary);
    if (!stream_) detail::throw_write_error(path_, "cannot be written", errno);
    return;
  }
  std::error_code ignored;
  if (std::filesystem::is_symlink(path_, ignored)) {
    const auto target = std::filesystem::canonical(path_, ignored);
    if (!ignored) path_ = target;
  }
  temporary_ = detail::name_beside(path_, "tmp");
  const int descriptor = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (descriptor < 0) detail::throw_write_error(path_, "cannot be written", errno);
  if (exists) static_cast<void>(::fchmod(descriptor, old.st_mode));
  ::close(descriptor);
  stream_.open(temporary_, std::ios::binary);
  if (!stream_) {
    const int number = errno;
    discard();
    detail::throw_write_error(path_, "cannot be written", number);
  }
}

PREFOPT_INLINE void atomic_file::write(std::string_view bytes) {
  errno = 0;
  if (!stream_.write(bytes.data(), static_cast<std::streamsize>(bytes.size()))) {
    detail::throw_write_error(path_, "cannot be written", errno);
  }
}

PREFOPT_INLINE void atomic_file::commit() {
  errno = 0;
  stream_.close();
  if (!stream_) detail::throw_write_error(path_, "cannot be written", errno);
  if (temporary_.empty()) return;  // no file, but what was written to directly
  detail::sync_path(temporary_);
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) {
    detail::throw_write_error(path_, "cannot be replaced", errno);
  }
  temporary_.clear();
  detail::sync_path(detail::folder_of(path_));
}

PREFOPT_INLINE void atomic_file::discard() noexcept {
  if (temporary_.empty()) return;
  stream_.close();
  ::unlink(temporary_.c_str());
  temporary_.clear();
}

PREFOPT_INLINE void write_file_atomically(const std::filesystem::path& path,
                                          std::string_view bytes) {
  atomic_file file(path);
  file.write(bytes);
  file.commit();
}

}  // namespace prefopt
