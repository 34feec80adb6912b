#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <system_error>
#include <utility>

#include <boost/interprocess/exceptions.hpp>
#include <boost/interprocess/file_mapping.hpp>
#include <boost/interprocess/mapped_region.hpp>

#include <prefopt/core/error.hpp>

namespace prefopt {

/// A file's bytes, mapped to memory to be read. The one header of core/ that needs Boost; the light
/// headers do not include it. As with every mapping, a file that another process shortens while it
/// is mapped ends the program, so writers replace files and do not change them (`atomic_file`).
class mapped_file {
 public:
  /// Throws `data_error` where `path` is no readable regular file.
  explicit mapped_file(std::filesystem::path path) : path_(std::move(path)) {
    std::error_code problem;
    const auto status = std::filesystem::status(path_, problem);
    if (problem) throw data_error(path_.string(), 0, "", problem.message());
    if (!std::filesystem::is_regular_file(status)) {
      throw data_error(path_.string(), 0, "", "is not a regular file");
    }
    const auto size = std::filesystem::file_size(path_, problem);
    if (problem) throw data_error(path_.string(), 0, "", problem.message());
    if (size == 0) return;  // an empty file cannot be mapped
    try {
      namespace ipc = boost::interprocess;
      const ipc::file_mapping file(path_.c_str(), ipc::read_only);
      region_ = ipc::mapped_region(file, ipc::read_only, 0, static_cast<std::size_t>(size));
    } catch (const boost::interprocess::interprocess_exception& e) {
      throw data_error(path_.string(), 0, "", e.what());
    }
  }

  /// Valid while this object lives, also after it is moved.
  [[nodiscard]] std::span<const std::byte> bytes() const noexcept {
    return {static_cast<const std::byte*>(region_.get_address()), region_.get_size()};
  }

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

 private:
  std::filesystem::path path_;
  boost::interprocess::mapped_region region_;
};

}  // namespace prefopt
