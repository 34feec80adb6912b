#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

#include <prefopt/data/compression.hpp>

namespace prefopt {

/// Unpacks a stream step by step; memory does not grow with the stream. Several packed streams one
/// after the other are read as one, as gzip, xz and zstd themselves do. Damage is thrown as
/// `std::runtime_error`, without the file's name.
class decompressor {
 public:
  decompressor() = default;
  decompressor(const decompressor&) = delete;
  decompressor& operator=(const decompressor&) = delete;
  virtual ~decompressor();

  /// Takes bytes from the front of `in` and returns how many it wrote to `out`. `last`: nothing
  /// comes after `in`. If it returns 0 it needs more.
  virtual std::size_t run(std::string_view& in, std::span<char> out, bool last) = 0;

  /// Whether the stream may end here.
  [[nodiscard]] virtual bool complete() const = 0;
};

/// Null for `compression::none`.
std::unique_ptr<decompressor> make_decompressor(compression kind);

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/data/decompressor.ipp>
#endif
