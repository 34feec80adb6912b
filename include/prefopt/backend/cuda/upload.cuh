#pragma once

#include <cstddef>
#include <span>
#include <type_traits>
#include <vector>

#include <prefopt/backend/cuda/context.cuh>

namespace prefopt::gpu {

/// A copy of a host's list in the device's memory, for the kernels that are launched while it
/// lives: tokens, rows, segments. Neither making nor destroying it waits for the device, unless the
/// list is larger than a megabyte.
template <class T>
class uploaded {
 public:
  static_assert(std::is_trivially_copyable_v<T>);

  explicit uploaded(std::span<const T> values) : size_(values.size()) {
    data_ = static_cast<T*>(context::current().allocate(values.size_bytes()));
    context::current().write(data_, values.data(), values.size_bytes());
  }
  explicit uploaded(const std::vector<T>& values) : uploaded(std::span<const T>(values)) {}
  uploaded(const uploaded&) = delete;
  uploaded& operator=(const uploaded&) = delete;
  ~uploaded() { context::current().release(data_, size_ * sizeof(T)); }

  [[nodiscard]] const T* data() const { return data_; }
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  T* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace prefopt::gpu
