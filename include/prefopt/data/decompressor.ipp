#pragma once

#include <prefopt/data/decompressor.hpp>

#include <cstdint>
#include <new>
#include <stdexcept>
#include <string>

#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include <prefopt/core/config.hpp>

namespace prefopt {

PREFOPT_INLINE decompressor::~decompressor() = default;

namespace detail {

class gzip_decompressor final : public decompressor {
 public:
  gzip_decompressor() {
    if (inflateInit2(&stream_, 16 + MAX_WBITS) != Z_OK) throw std::bad_alloc();
  }
  ~gzip_decompressor() override { inflateEnd(&stream_); }

  std::size_t run(std::string_view& in, std::span<char> out, bool) override {
    if (complete_) {
      if (in.empty()) return 0;
      inflateReset(&stream_);
      complete_ = false;
    }
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(in.data()));
    stream_.avail_in = static_cast<uInt>(in.size());
    stream_.next_out = reinterpret_cast<Bytef*>(out.data());
    stream_.avail_out = static_cast<uInt>(out.size());
    const int result = inflate(&stream_, Z_NO_FLUSH);
    in.remove_prefix(in.size() - stream_.avail_in);
    complete_ = result == Z_STREAM_END;
    if (result == Z_MEM_ERROR) throw std::bad_alloc();
    if (!complete_ && result != Z_OK && result != Z_BUF_ERROR) {
      throw std::runtime_error(std::string("damaged gzip data: ") +
                               (stream_.msg != nullptr ? stream_.msg : zError(result)));
    }
    return out.size() - stream_.avail_out;
  }
  [[nodiscard]] bool complete() const override { return complete_; }

 private:
  z_stream stream_{};
  bool complete_ = false;
};

class xz_decompressor final : public decompressor {
 public:
  xz_decompressor() {
    constexpr std::uint64_t memory = std::uint64_t{256} << 20U;  // `xz -9` needs 65 MiB
    if (lzma_stream_decoder(&stream_, memory, LZMA_CONCATENATED) != LZMA_OK) {
      throw std::bad_alloc();
    }
  }
  ~xz_decompressor() override { lzma_end(&stream_); }

  std::size_t run(std::string_view& in, std::span<char> out, bool last) override {
    if (complete_) return 0;
    stream_.next_in = reinterpret_cast<const std::uint8_t*>(in.data());
    stream_.avail_in = in.size();
    stream_.next_out = reinterpret_cast<std::uint8_t*>(out.data());
    stream_.avail_out = out.size();
    const lzma_ret result = lzma_code(&stream_, last ? LZMA_FINISH : LZMA_RUN);
    in.remove_prefix(in.size() - stream_.avail_in);
    complete_ = result == LZMA_STREAM_END;
    if (result == LZMA_MEM_ERROR) throw std::bad_alloc();
    if (result == LZMA_MEMLIMIT_ERROR) {
      throw std::runtime_error("xz data that takes over 256 MiB of memory to unpack");
    }
    if (!complete_ && result != LZMA_OK && result != LZMA_BUF_ERROR) {
      throw std::runtime_error("damaged xz data (liblzma error " + std::to_string(result) + ")");
    }
    return out.size() - stream_.avail_out;
  }
  [[nodiscard]] bool complete() const override { return complete_; }

 private:
  lzma_stream stream_ = LZMA_STREAM_INIT;
  bool complete_ = false;
};

class zstd_decompressor final : public decompressor {
 public:
  zstd_decompressor() : stream_(ZSTD_createDStream()) {
    if (stream_ == nullptr) throw std::bad_alloc();
  }
  ~zstd_decompressor() override { ZSTD_freeDStream(stream_); }

  std::size_t run(std::string_view& in, std::span<char> out, bool) override {
    if (complete_ && in.empty()) return 0;
    ZSTD_inBuffer from{in.data(), in.size(), 0};
    ZSTD_outBuffer to{out.data(), out.size(), 0};
    const std::size_t result = ZSTD_decompressStream(stream_, &to, &from);
    if (ZSTD_isError(result) != 0) {
      throw std::runtime_error(std::string("damaged zstd data: ") + ZSTD_getErrorName(result));
    }
    in.remove_prefix(from.pos);
    complete_ = result == 0;
    return to.pos;
  }
  [[nodiscard]] bool complete() const override { return complete_; }

 private:
  ZSTD_DStream* stream_;
  bool complete_ = false;
};

}  // namespace detail

PREFOPT_INLINE std::unique_ptr<decompressor> make_decompressor(compression kind) {
  switch (kind) {
    case compression::gzip:
      return std::make_unique<detail::gzip_decompressor>();
    case compression::xz:
      return std::make_unique<detail::xz_decompressor>();
    case compression::zstd:
      return std::make_unique<detail::zstd_decompressor>();
    default:
      return nullptr;
  }
}

}  // namespace prefopt
