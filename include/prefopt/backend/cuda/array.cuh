#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>
#include <new>
#include <utility>

#include <prefopt/backend/cuda/context.cuh>
#include <prefopt/backend/matrix_view.hpp>

namespace prefopt {

namespace gpu {

/// Memory of the device alone, from the stream-ordered pool.
struct device_memory {
  static void* allocate(std::size_t bytes) { return context::current().allocate(bytes); }
  static void release(void* memory, std::size_t bytes) noexcept {
    context::current().release(memory, bytes);
  }
  static void settle() {}
};

/// Memory with one address on host and device.
struct managed_memory {
  static void* allocate(std::size_t bytes) { return context::current().allocate_managed(bytes); }
  static void release(void* memory, std::size_t bytes) noexcept {
    context::current().release_managed(memory, bytes);
  }
  /// Waits until the host may look.
  static void settle() { context::current().synchronize(); }
};

/// Floats of that memory: an array as `compute_backend` wants it.
template <class Memory>
class basic_array {
 public:
  basic_array() = default;
  explicit basic_array(std::size_t size) { resize(size); }
  basic_array(const basic_array& other) {
    if (other.size_ == 0) return;
    reserve(other.size_, false);
    context::current().copy(data_, other.data_, other.size_ * sizeof(float));
    Memory::settle();
    size_ = other.size_;
  }
  basic_array(basic_array&& other) noexcept { swap(other); }
  basic_array& operator=(basic_array other) noexcept {
    swap(other);
    return *this;
  }
  ~basic_array() {
    // An empty one asks for no device, where there may be none.
    if (data_ != nullptr) Memory::release(data_, capacity_ * sizeof(float));
  }

  /// Keeps the memory where it suffices; the contents are 0 after growing. Throws
  /// `cuda_out_of_memory` where there is no room, and then has no elements.
  void resize(std::size_t size) {
    if (size > capacity_) reserve(size, true);
    size_ = size;
  }

  /// As a matrix of that shape; grows if need be.
  matrix_view as(std::size_t rows, std::size_t columns) {
    if (columns != 0 && rows > largest / columns) throw std::bad_alloc();
    resize(rows * columns);
    return {data_, rows, columns};
  }

  [[nodiscard]] float* data() { return data_; }
  [[nodiscard]] const float* data() const { return data_; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::size_t capacity() const { return capacity_; }

 private:
  static constexpr std::size_t largest =
      std::numeric_limits<std::size_t>::max() / sizeof(float) / 2;

  void reserve(std::size_t size, bool clear) {
    *this = {};  // first, so that old and new never take room together
    if (size > largest) throw std::bad_alloc();
    data_ = static_cast<float*>(Memory::allocate(size * sizeof(float)));
    capacity_ = size;
    if (!clear) return;
    context::current().clear(data_, size * sizeof(float));
    Memory::settle();
  }
  void swap(basic_array& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
  }

  float* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace gpu

/// Floats in the device's memory, 256-byte aligned. Fresh memory reads as 0.
using cuda_array = gpu::basic_array<gpu::device_memory>;

/// Floats that host and device use at one address: parameters, gradients and what optimizers
/// remember, so that code of the host works on them as they are. Only when the device has come to
/// rest (`cuda_backend::synchronize`) may the host look.
using cuda_managed_array = gpu::basic_array<gpu::managed_memory>;

}  // namespace prefopt
