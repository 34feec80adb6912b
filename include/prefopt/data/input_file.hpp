#pragma once

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <prefopt/core/error.hpp>
#include <prefopt/data/compression.hpp>
#include <prefopt/data/decompressor.hpp>

namespace prefopt {

/// A file read from front to end, unpacked on the way: plain, gzip, xz or zstd, told by its first
/// bytes, so that a wrong name does no harm. Memory does not grow with the file. Throws
/// `data_error` where it cannot be read, is damaged or ends too early.
class input_file {
 public:
  explicit input_file(const std::filesystem::path& path)
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

  /// Fills `out` from its front; 0 at the end of the file. `out` must not be empty.
  std::size_t read(std::span<char> out) {
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

  /// The file's name, for messages.
  [[nodiscard]] const std::string& name() const noexcept { return name_; }

 private:
  [[noreturn]] void fail(const std::string& problem) const {
    throw data_error(name_, 0, "", problem);
  }

  void refill() {
    if (at_end_) return;
    in_.read(packed_.data(), static_cast<std::streamsize>(packed_.size()));
    if (in_.bad()) fail("cannot be read");
    rest_ = {packed_.data(), static_cast<std::size_t>(in_.gcount())};
    at_end_ = in_.eof();
  }

  std::string name_;
  std::ifstream in_;
  std::vector<char> packed_;
  std::string_view rest_;  // of `packed_`, not yet used
  bool at_end_ = false;    // nothing comes after `rest_`
  std::unique_ptr<decompressor> codec_;
};

}  // namespace prefopt
