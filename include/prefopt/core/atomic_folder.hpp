#pragma once

#include <fcntl.h>
#include <stdio.h>

#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include <prefopt/core/atomic_file.hpp>
#include <prefopt/core/error.hpp>

namespace prefopt {

/// A folder that appears whole or not at all: files are written into `path()`, a folder beside it,
/// and `commit` syncs them and gives it its name, in place of what had that name before. Without
/// `commit` the old folder, if any, stays as it was. Errors are `data_error`s that name the folder.
class atomic_folder {
 public:
  /// The folder that `target` lies in must exist. A symbolic link is followed.
  explicit atomic_folder(std::filesystem::path target) : target_(std::move(target)) {
    std::error_code problem;
    if (!target_.has_filename()) target_ = target_.parent_path();  // "folder/"
    if (std::filesystem::is_symlink(target_, problem)) {
      const auto real = std::filesystem::canonical(target_, problem);
      if (!problem) target_ = real;
    }
    problem.clear();
    if (std::filesystem::exists(target_, problem) &&
        !std::filesystem::is_directory(target_, problem)) {
      detail::throw_write_error(target_, "cannot be replaced by a folder", ENOTDIR);
    }
    temporary_ = detail::name_beside(target_, "tmp");
    if (!std::filesystem::create_directory(temporary_, problem)) {
      const int number = problem.value() != 0 ? problem.value() : EEXIST;
      temporary_.clear();
      detail::throw_write_error(target_, "cannot be written", number);
    }
  }

  atomic_folder(const atomic_folder&) = delete;
  atomic_folder& operator=(const atomic_folder&) = delete;
  ~atomic_folder() { remove(temporary_); }

  /// Where to write until `commit`.
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return temporary_; }

  /// Puts the folder in its place, on the disk. Throws and leaves the old one if anything failed.
  void commit() {
    sync_all(temporary_);
    std::error_code problem;
    if (!std::filesystem::exists(target_, problem)) {
      rename(temporary_, target_);
      temporary_.clear();
    } else if (exchange(temporary_, target_)) {
      // The old folder now has the temporary name, and the destructor removes it.
    } else {
      // A file system that cannot exchange two names: for a moment neither has the target's.
      const auto old = detail::name_beside(target_, "old");
      rename(target_, old);
      try {
        rename(temporary_, target_);
      } catch (...) {
        std::filesystem::rename(old, target_, problem);
        throw;
      }
      temporary_ = old;
    }
    detail::sync_path(detail::folder_of(target_));
    remove(temporary_);
    temporary_.clear();
  }

 private:
  static void remove(const std::filesystem::path& folder) noexcept {
    std::error_code ignored;
    if (!folder.empty()) std::filesystem::remove_all(folder, ignored);
  }

  static void sync_all(const std::filesystem::path& folder) {
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      if (entry.is_symlink()) continue;
      if (entry.is_directory()) {
        sync_all(entry.path());
      } else {
        detail::sync_path(entry.path());
      }
    }
    detail::sync_path(folder);
  }

  static void rename(const std::filesystem::path& from, const std::filesystem::path& to) {
    if (::rename(from.c_str(), to.c_str()) != 0) {
      detail::throw_write_error(to, "cannot be replaced", errno);
    }
  }

  static bool exchange(const std::filesystem::path& a, const std::filesystem::path& b) {
#ifdef RENAME_EXCHANGE
    return ::renameat2(AT_FDCWD, a.c_str(), AT_FDCWD, b.c_str(), RENAME_EXCHANGE) == 0;
#else
    static_cast<void>(a);
    static_cast<void>(b);
    return false;
#endif
  }

  std::filesystem::path target_;
  std::filesystem::path temporary_;  // what the destructor removes
};

}  // namespace prefopt
