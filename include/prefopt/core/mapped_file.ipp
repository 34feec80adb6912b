#pragma once

#include <prefopt/core/mapped_file.hpp>

#include <system_error>
#include <utility>

#include <boost/interprocess/exceptions.hpp>
#include <boost/interprocess/file_mapping.hpp>
#include <boost/interprocess/mapped_region.hpp>

#include <prefopt/core/config.hpp>
#include <prefopt/core/error.hpp>

namespace prefopt {

struct mapped_file::region {
  boost::interprocess::mapped_region mapped;
};

PREFOPT_INLINE mapped_file::mapped_file(std::filesystem::path path) : path_(std::move(path)) {
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
    region_ = std::make_unique<region>(
        region{ipc::mapped_region(file, ipc::read_only, 0, static_cast<std::size_t>(size))});
  } catch (const boost::interprocess::interprocess_exception& e) {
    throw data_error(path_.string(), 0, "", e.what());
  }
}

PREFOPT_INLINE std::span<const std::byte> mapped_file::bytes() const noexcept {
  if (!region_) return {};
  return {static_cast<const std::byte*>(region_->mapped.get_address()), region_->mapped.get_size()};
}

PREFOPT_INLINE mapped_file::mapped_file(mapped_file&&) noexcept = default;
PREFOPT_INLINE mapped_file& mapped_file::operator=(mapped_file&&) noexcept = default;
PREFOPT_INLINE mapped_file::~mapped_file() = default;

}  // namespace prefopt
