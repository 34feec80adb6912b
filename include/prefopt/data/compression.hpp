#pragma once

#include <string_view>

namespace prefopt {

/// Ways that a data file may be packed.
enum class compression { none, gzip, xz, zstd };

/// By the end of the file's name: .gz, .xz, .zst, else none.
inline compression compression_of_name(std::string_view name) {
  if (name.ends_with(".gz")) return compression::gzip;
  if (name.ends_with(".xz")) return compression::xz;
  if (name.ends_with(".zst")) return compression::zstd;
  return compression::none;
}

/// By the file's first bytes (RFC 1952; the .xz file format 1.0.4; RFC 8878).
inline compression compression_of_bytes(std::string_view head) {
  using namespace std::string_view_literals;
  if (head.starts_with("\x1F\x8B"sv)) return compression::gzip;
  if (head.starts_with("\xFD\x37\x7A\x58\x5A\x00"sv)) return compression::xz;
  if (head.starts_with("\x28\xB5\x2F\xFD"sv)) return compression::zstd;
  return compression::none;
}

}  // namespace prefopt
