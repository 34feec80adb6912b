#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include <prefopt/train/training_options.hpp>

namespace prefopt {

/// An event file as TensorBoard reads it: a sequence of `Event` messages (tensorflow's
/// event.proto), each framed as a TFRecord (length, its checksum, bytes, their checksum;
/// little-endian).
class tensorboard_file {
 public:
  /// Makes a new file in `folder`. `first_step`: what older files say of this step and later ones
  /// is void, because a resumed run repeats them.
  tensorboard_file(const std::filesystem::path& folder, std::size_t first_step);

  /// Scalars named "train/loss", or "eval/loss" for "eval_loss", as transformers names them.
  void write(std::size_t step, const metric_list& metrics);

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

  /// CRC-32C, rotated and shifted as TFRecord wants it.
  [[nodiscard]] static std::uint32_t masked_checksum(std::string_view bytes);

 private:
  static double now();

  static std::string tag(const std::string& name);

  template <class Fill>
  void event(std::size_t step, Fill&& fill);

  static std::string little_endian(std::uint64_t number, int bytes);

  std::filesystem::path path_;
  std::ofstream out_;
};

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/train/tensorboard_file.ipp>
#endif
