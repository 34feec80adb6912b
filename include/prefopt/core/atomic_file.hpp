#pragma once

#include <filesystem>
#include <fstream>
#include <ostream>
#include <string_view>

namespace prefopt {

namespace detail {

[[noreturn]] void throw_write_error(const std::filesystem::path& path, const char* action,
                                    int number);

/// A name beside `path` that no other process and no other call of this one uses.
std::filesystem::path name_beside(const std::filesystem::path& path, const char* purpose);

/// Waits until the file's bytes, or the folder's entries, are on the disk.
void sync_path(const std::filesystem::path& path);

std::filesystem::path folder_of(const std::filesystem::path& path);

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
  explicit atomic_file(std::filesystem::path path);

  atomic_file(const atomic_file&) = delete;
  atomic_file& operator=(const atomic_file&) = delete;
  ~atomic_file() { discard(); }

  /// Where to write, if not through `write`. Failures are seen at `commit` at the latest.
  [[nodiscard]] std::ostream& stream() noexcept { return stream_; }

  void write(std::string_view bytes);

  /// Puts the file in its place, on the disk. Throws and leaves the old one if anything failed.
  void commit();

  /// The name that `commit` gives the file.
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

 private:
  void discard() noexcept;

  std::filesystem::path path_;
  std::filesystem::path temporary_;  // empty once committed, and where there is none
  std::ofstream stream_;
};

/// Replaces the whole file, or leaves it as it was and throws `data_error`.
void write_file_atomically(const std::filesystem::path& path, std::string_view bytes);

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/core/atomic_file.ipp>
#endif
