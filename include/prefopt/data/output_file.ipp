#pragma once

#include <prefopt/data/output_file.hpp>

#include <cstddef>
#include <cstdint>
#include <new>

#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include <prefopt/core/config.hpp>
#include <prefopt/core/error.hpp>
#include <prefopt/data/compression.hpp>

namespace prefopt {

namespace detail {

PREFOPT_INLINE compressor::~compressor() = default;

class gzip_compressor final : public compressor {
 public:
  gzip_compressor() {
    if (deflateInit2(&stream_, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 16 + MAX_WBITS, 8,
                     Z_DEFAULT_STRATEGY) != Z_OK) {
      throw std::bad_alloc();
    }
  }
  ~gzip_compressor() override { deflateEnd(&stream_); }
  void run(std::string_view in, bool last, atomic_file& out) override {
    do {
      // zlib counts a step's input in 32 bits.
      const std::string_view part = in.substr(0, std::size_t{1} << 30U);
      in.remove_prefix(part.size());
      stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(part.data()));
      stream_.avail_in = static_cast<uInt>(part.size());
      do {
        stream_.next_out = reinterpret_cast<Bytef*>(packed_.data());
        stream_.avail_out = static_cast<uInt>(packed_.size());
        deflate(&stream_, last && in.empty() ? Z_FINISH : Z_NO_FLUSH);
        out.write({packed_.data(), packed_.size() - stream_.avail_out});
      } while (stream_.avail_out == 0);
    } while (!in.empty());
  }

 private:
  z_stream stream_{};
};

class xz_compressor final : public compressor {
 public:
  xz_compressor() {
    if (lzma_easy_encoder(&stream_, LZMA_PRESET_DEFAULT, LZMA_CHECK_CRC64) != LZMA_OK) {
      throw std::bad_alloc();
    }
  }
  ~xz_compressor() override { lzma_end(&stream_); }
  void run(std::string_view in, bool last, atomic_file& out) override {
    stream_.next_in = reinterpret_cast<const std::uint8_t*>(in.data());
    stream_.avail_in = in.size();
    lzma_ret result = LZMA_OK;
    do {
      stream_.next_out = reinterpret_cast<std::uint8_t*>(packed_.data());
      stream_.avail_out = packed_.size();
      result = lzma_code(&stream_, last ? LZMA_FINISH : LZMA_RUN);
      if (result == LZMA_MEM_ERROR) throw std::bad_alloc();
      out.write({packed_.data(), packed_.size() - stream_.avail_out});
    } while (last ? result == LZMA_OK : stream_.avail_in > 0);
  }

 private:
  lzma_stream stream_ = LZMA_STREAM_INIT;
};

class zstd_compressor final : public compressor {
 public:
  zstd_compressor() : stream_(ZSTD_createCStream()) {
    if (stream_ == nullptr) throw std::bad_alloc();
    ZSTD_CCtx_setParameter(stream_, ZSTD_c_checksumFlag, 1);
  }
  ~zstd_compressor() override { ZSTD_freeCStream(stream_); }
  void run(std::string_view in, bool last, atomic_file& out) override {
    ZSTD_inBuffer from{in.data(), in.size(), 0};
    std::size_t left = 0;
    do {
      ZSTD_outBuffer to{packed_.data(), packed_.size(), 0};
      left = ZSTD_compressStream2(stream_, &to, &from, last ? ZSTD_e_end : ZSTD_e_continue);
      if (ZSTD_isError(left) != 0) {
        throw data_error(out.path().string(), 0, "", ZSTD_getErrorName(left));
      }
      out.write({packed_.data(), to.pos});
    } while (last ? left != 0 : from.pos < from.size);
  }

 private:
  ZSTD_CStream* stream_;
};

}  // namespace detail

PREFOPT_INLINE output_file::output_file(const std::filesystem::path& path) : out_(path) {
  switch (compression_of_name(path.string())) {
    case compression::gzip:
      codec_ = std::make_unique<detail::gzip_compressor>();
      break;
    case compression::xz:
      codec_ = std::make_unique<detail::xz_compressor>();
      break;
    case compression::zstd:
      codec_ = std::make_unique<detail::zstd_compressor>();
      break;
    default:
      break;
  }
}

PREFOPT_INLINE void output_file::write(std::string_view bytes) {
  if (codec_) {
    codec_->run(bytes, false, out_);
  } else {
    out_.write(bytes);
  }
}

PREFOPT_INLINE void output_file::commit() {
  if (codec_) codec_->run({}, true, out_);
  out_.commit();
}

}  // namespace prefopt
