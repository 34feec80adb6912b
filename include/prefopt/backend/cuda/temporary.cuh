#pragma once

#include <cstddef>
#include <type_traits>

#include <prefopt/backend/cuda/context.cuh>

namespace prefopt::gpu {

/// Memory of the device for what kernels hand to one another, not initialised; for the kernels that
/// are launched while it lives. It comes from the pool and goes back in the order of the stream.
template <class T>
class temporary {
 public:
  static_assert(std::is_trivially_copyable_v<T>);

  explicit temporary(std::size_t size) : size_(size) {
    data_ = static_cast<T*>(context::current().allocate(size * sizeof(T)));
  }
  temporary(const temporary&) = delete;
  temporary& operator=(const temporary&) = delete;
  ~temporary() { context::current().release(data_, size_ * sizeof(T)); }

  [[nodiscard]] T* data() const { return data_; }
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  T* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace prefopt::gpu
