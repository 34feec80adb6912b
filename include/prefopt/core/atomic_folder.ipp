#pragma once

#include <prefopt/core/atomic_folder.hpp>

#include <fcntl.h>
#include <stdio.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include <prefopt/core/atomic_file.hpp>
#include <prefopt/core/config.hpp>
#include <prefopt/core/error.hpp>

namespace prefopt {

PREFOPT_INLINE atomic_folder::atomic_folder(std::filesystem::path target)
    : target_(std::move(target)) {
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

PREFOPT_INLINE atomic_folder::~atomic_folder() {
  remove(temporary_);
}

PREFOPT_INLINE void atomic_folder::commit() {
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

PREFOPT_INLINE void atomic_folder::remove(const std::filesystem::path& folder) noexcept {
  std::error_code ignored;
  if (!folder.empty()) std::filesystem::remove_all(folder, ignored);
}

PREFOPT_INLINE void atomic_folder::sync_all(const std::filesystem::path& folder) {
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

PREFOPT_INLINE void atomic_folder::rename(const std::filesystem::path& from,
                                          const std::filesystem::path& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) {
    detail::throw_write_error(to, "cannot be replaced", errno);
  }
}

PREFOPT_INLINE bool atomic_folder::exchange(const std::filesystem::path& a,
                                            const std::filesystem::path& b) {
#ifdef RENAME_EXCHANGE
  return ::renameat2(AT_FDCWD, a.c_str(), AT_FDCWD, b.c_str(), RENAME_EXCHANGE) == 0;
#else
  static_cast<void>(a);
  static_cast<void>(b);
  return false;
#endif
}

}  // namespace prefopt
