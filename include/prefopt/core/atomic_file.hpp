#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <ostream>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <prefopt/core/error.hpp>

namespace prefopt {

namespace detail {

[[noreturn]] inline void throw_write_error(const std::filesystem::path& path, const char* action,
                                           int number) {
  throw data_error(
      path.string(), 0, "",
      std::string(action) + ": " + (number != 0 ? std::strerror(number) : "a write failed"));
}

/// A name beside `path` that no other process and no other call of this one uses.
inline std::filesystem::path name_beside(const std::filesystem::path& path, const char* purpose) {
  static std::atomic<unsigned> count{0};
  std::filesystem::path name = path;
  name += std::string(".") + purpose + "-" + std::to_string(::getpid()) + "-" +
          std::to_string(count.fetch_add(1));
  return name;
}

/// Waits until the file's bytes, or the folder's entries, are on the disk.
inline void sync_path(const std::filesystem::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) throw_write_error(path, "cannot be opened to be synced", errno);
  const int failed = ::fsync(descriptor) == 0 ? 0 : errno;
  ::close(descriptor);
  // Some file systems have nothing to sync in a folder and say so.
  if (failed != 0 && failed != EINVAL) throw_write_error(path, "cannot be synced", failed);
}

inline std::filesystem::path folder_of(const std::filesystem::path& path) {
  return path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
}

}  // namespace detail

/// A file that appears whole or not at all: bytes go to a name beside it, and `commit` syncs and
/// renames. Without `commit` the old file, if any, stays as it was. Errors are `data_error`s that
/// name the file. What exists and is no file to be replaced (a pipe, /dev/null) is written to as
/// the bytes come.
///
///     atomic_file out("pairs.jsonl");
///     out.stream() << "...";
///     out.commit();
class atomic_file {
 public:
  /// The folder of `path` must exist. A symbolic link is followed, so that the link stays.
  explicit atomic_file(std::filesystem::path path) : path_(std::move(path)) {
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
    const int descriptor =
        ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
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

  atomic_file(const atomic_file&) = delete;
  atomic_file& operator=(const atomic_file&) = delete;
  ~atomic_file() { discard(); }

  /// Where to write, if not through `write`. Failures are seen at `commit` at the latest.
  [[nodiscard]] std::ostream& stream() noexcept { return stream_; }

  void write(std::string_view bytes) {
    errno = 0;
    if (!stream_.write(bytes.data(), static_cast<std::streamsize>(bytes.size()))) {
      detail::throw_write_error(path_, "cannot be written", errno);
    }
  }

  /// Puts the file in its place, on the disk. Throws and leaves the old one if anything failed.
  void commit() {
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

  /// The name that `commit` gives the file.
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

 private:
  void discard() noexcept {
    if (temporary_.empty()) return;
    stream_.close();
    ::unlink(temporary_.c_str());
    temporary_.clear();
  }

  std::filesystem::path path_;
  std::filesystem::path temporary_;  // empty once committed, and where there is none
  std::ofstream stream_;
};

/// Replaces the whole file, or leaves it as it was and throws `data_error`.
inline void write_file_atomically(const std::filesystem::path& path, std::string_view bytes) {
  atomic_file file(path);
  file.write(bytes);
  file.commit();
}

}  // namespace prefopt
