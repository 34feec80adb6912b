#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace prefopt {

/// A file of named arrays, whatever its format: safetensors (one file or sharded) or GGUF.
/// Virtual and not a concept: which one it is, is known only when the path is opened, and a call
/// moves a whole tensor.
class tensor_source {
 public:
  tensor_source() = default;
  tensor_source(const tensor_source&) = delete;
  tensor_source& operator=(const tensor_source&) = delete;
  virtual ~tensor_source() = default;

  [[nodiscard]] virtual std::vector<std::string> names() const = 0;
  [[nodiscard]] virtual bool contains(std::string_view name) const = 0;
  /// Row-major shape. Throws `checkpoint_error` where there is no such tensor.
  [[nodiscard]] virtual std::vector<std::size_t> shape(std::string_view name) const = 0;
  /// Writes the tensor's values as float32, dequantized if need be; `out` has exactly as many
  /// elements as the tensor. Throws `checkpoint_error` otherwise.
  virtual void read(std::string_view name, std::span<float> out) const = 0;
};

}  // namespace prefopt
