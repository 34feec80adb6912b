#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace prefopt {

/// One tensor of a safetensors file. Offsets count from the first byte after the header.
struct safetensors_entry {
  std::string type;                ///< "F32", "BF16", ...
  std::vector<std::size_t> shape;  ///< row-major
  std::size_t begin = 0;
  std::size_t end = 0;
};

/// What stands before the numbers of a safetensors file.
struct safetensors_header {
  std::map<std::string, safetensors_entry, std::less<>> tensors;
  std::map<std::string, std::string> metadata;
  std::size_t data_begin = 0;  ///< bytes before the first number
};

/// Bytes of one number of a safetensors type, 0 for a type this library does not know.
std::size_t safetensors_type_size(std::string_view type);

/// Reads and checks the header of a safetensors file (eight bytes of length, little-endian, then
/// JSON, then the numbers). Every violation of the format is a `checkpoint_error`; what is
/// allocated is bounded by the size of the file. `bytes` is the whole file.
/// Format: https://github.com/huggingface/safetensors#format
safetensors_header parse_safetensors_header(std::span<const std::byte> bytes,
                                            const std::string& file);

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/model/safetensors_header.ipp>
#endif
