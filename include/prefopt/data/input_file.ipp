#pragma once

#include <prefopt/data/input_file.hpp>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <system_error>

#include <prefopt/core/config.hpp>
#include <prefopt/core/error.hpp>
#include <prefopt/data/compression.hpp>

namespace prefopt {

PREFOPT_INLINE input_file::input_file(const std::filesystem::path& path)
    : name_(path.string()), packed_(1U << 16U) {
  std::error_code problem;
  if (std::filesystem::is_directory(path, problem)) fail("is a folder, expected a file");
  errno = 0;
  in_.open(path, std::ios::binary);
  if (!in_) fail(std::string("cannot be opened: ") + std::strerror(errno));
  refill();
  codec_ = make_decompressor(compression_of_bytes(rest_));
  if (!codec_ && compression_of_name(name_) != compression::none) {
    fail(rest_.empty() ? "is empty, which no compressed file is"
                       : "is not compressed as its name says");
  }
}

PREFOPT_INLINE std::size_t input_file::read(std::span<char> out) {
  if (!codec_) {
    if (rest_.empty()) refill();
    const std::size_t count = rest_.copy(out.data(), out.size());
    rest_.remove_prefix(count);
    return count;
  }
  for (;;) {
    if (rest_.empty()) refill();
    const std::size_t before = rest_.size();
    std::size_t count = 0;
    try {
      count = codec_->run(rest_, out, at_end_);
    } catch (const std::runtime_error& e) {
      fail(e.what());
    }
    if (count > 0) return count;
    if (rest_.empty() && at_end_) {
      if (!codec_->complete()) fail("ends in the middle of its compressed data");
      return 0;
    }
    if (rest_.size() == before && before > 0) fail("has something after its compressed data");
  }
}

PREFOPT_INLINE void input_file::fail(const std::string& problem) const {
  throw data_error(name_, 0, "", problem);
}

PREFOPT_INLINE void input_file::refill() {
  if (at_end_) return;
  in_.read(packed_.data(), static_cast<std::streamsize>(packed_.size()));
  if (in_.bad()) fail("cannot be read");
  rest_ = {packed_.data(), static_cast<std::size_t>(in_.gcount())};
  at_end_ = in_.eof();
}

}  // namespace prefopt
