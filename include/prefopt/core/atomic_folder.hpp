#pragma once

#include <filesystem>

namespace prefopt {

/// A folder that appears whole or not at all: files are written into `path()`, a folder beside it,
/// and `commit` syncs them and gives it its name, in place of what had that name before. Without
/// `commit` the old folder, if any, stays as it was. Errors are `data_error`s that name the folder.
class atomic_folder {
 public:
  /// The folder that `target` lies in must exist. A symbolic link is followed.
  explicit atomic_folder(std::filesystem::path target);

  atomic_folder(const atomic_folder&) = delete;
  atomic_folder& operator=(const atomic_folder&) = delete;
  ~atomic_folder();

  /// Where to write until `commit`.
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return temporary_; }

  /// Puts the folder in its place, on the disk. Throws and leaves the old one if anything failed.
  void commit();

 private:
  static void remove(const std::filesystem::path& folder) noexcept;

  static void sync_all(const std::filesystem::path& folder);

  static void rename(const std::filesystem::path& from, const std::filesystem::path& to);

  static bool exchange(const std::filesystem::path& a, const std::filesystem::path& b);

  std::filesystem::path target_;
  std::filesystem::path temporary_;  // what the destructor removes
};

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/core/atomic_folder.ipp>
#endif
