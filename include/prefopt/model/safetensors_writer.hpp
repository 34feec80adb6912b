#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include <prefopt/model/float_format.hpp>

namespace prefopt {

/// A tensor whose values are asked for when they are written, one tensor at a time, so that a
/// checkpoint that stores them otherwise than the model (transposed, say) needs no second copy.
struct pending_tensor {
  std::string name;
  std::vector<std::size_t> shape;                ///< row-major
  std::function<void(std::span<float>)> values;  ///< fills as many numbers as the shape has
};

/// A tensor in memory.
struct named_tensor {
  std::string name;
  std::vector<std::size_t> shape;  ///< row-major; its product == values.size()
  std::span<const float> values;
};

using safetensors_metadata = std::map<std::string, std::string>;

/// Writes one file, whole or not at all, in the order of the names. `metadata` should hold
/// {"format", "pt"}: transformers refuses files without it. Throws `checkpoint_error` for a name
/// that stands there twice, values that do not match their shape, and a finite number that float16
/// or bfloat16 cannot hold; `data_error` where the file cannot be written.
void write_safetensors(const std::filesystem::path& path, std::span<const pending_tensor> tensors,
                       float_format format = float_format::float32,
                       const safetensors_metadata& metadata = {{"format", "pt"}});

void write_safetensors(const std::filesystem::path& path, std::span<const named_tensor> tensors,
                       float_format format = float_format::float32,
                       const safetensors_metadata& metadata = {{"format", "pt"}});

/// Writes `model.safetensors`, or, where a file would have over `max_shard_bytes` of numbers,
/// `model-00001-of-0000N.safetensors`, ..., and `model.safetensors.index.json`, last, into an
/// existing folder. A tensor is never split, so a shard with one large tensor may be larger.
void write_sharded_safetensors(const std::filesystem::path& folder,
                               std::span<const pending_tensor> tensors, float_format format,
                               std::size_t max_shard_bytes,
                               const safetensors_metadata& metadata = {{"format", "pt"}});

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/model/safetensors_writer.ipp>
#endif
