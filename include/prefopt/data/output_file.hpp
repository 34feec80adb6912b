#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <prefopt/core/atomic_file.hpp>

namespace prefopt {

namespace detail {

/// Packs a stream step by step into `out`; `last`: with the stream's end.
class compressor {
 public:
  compressor() = default;
  compressor(const compressor&) = delete;
  compressor& operator=(const compressor&) = delete;
  virtual ~compressor();
  virtual void run(std::string_view in, bool last, atomic_file& out) = 0;

 protected:
  std::vector<char> packed_ = std::vector<char>(1U << 16U);
};

}  // namespace detail

/// A data file written from front to end, packed as its name says (.gz, .xz, .zst), that appears
/// whole or not at all: see `atomic_file`. The same bytes in make the same bytes out.
class output_file {
 public:
  explicit output_file(const std::filesystem::path& path);

  void write(std::string_view bytes);

  /// Puts the file in its place. Without it, the old file, if any, stays.
  void commit();

  [[nodiscard]] std::string name() const { return out_.path().string(); }

 private:
  atomic_file out_;
  std::unique_ptr<detail::compressor> codec_;
};

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/data/output_file.ipp>
#endif
