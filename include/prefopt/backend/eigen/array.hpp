#pragma once

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <memory>
#include <new>
#include <utility>

#include <prefopt/backend/matrix_view.hpp>

namespace prefopt {

/// Floats in the host's memory, 64-byte aligned. Fresh memory reads as 0 and is not touched, so
/// what is never used (the gradients of a reference model) takes no room.
class host_array {
 public:
  host_array() = default;
  explicit host_array(std::size_t size) { resize(size); }
  host_array(const host_array& other) : host_array(other.size_) {
    if (size_ != 0) std::memcpy(data(), other.data(), size_ * sizeof(float));
  }
  host_array(host_array&& other) noexcept { swap(other); }
  host_array& operator=(host_array other) noexcept {
    swap(other);
    return *this;
  }
  ~host_array() = default;

  /// Keeps the memory where it suffices; the contents are unspecified after growing. Throws
  /// `std::bad_alloc` where there is no room, and then has no elements.
  void resize(std::size_t size) {
    if (size > capacity_) {
      *this = {};  // first, so that old and new never take room together
      if (size > largest) throw std::bad_alloc();
      block_.reset(static_cast<std::byte*>(std::calloc(size * sizeof(float) + alignment, 1)));
      if (block_ == nullptr) throw std::bad_alloc();
      capacity_ = size;
      void* start = block_.get();
      std::size_t room = size * sizeof(float) + alignment;
      data_ = static_cast<float*>(std::align(alignment, size * sizeof(float), start, room));
    }
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
  static constexpr std::size_t alignment = 64;
  static constexpr std::size_t largest =
      std::numeric_limits<std::size_t>::max() / sizeof(float) / 2;
  struct release {
    void operator()(std::byte* block) const { std::free(block); }
  };
  void swap(host_array& other) noexcept {
    std::swap(block_, other.block_);
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
  }

  std::unique_ptr<std::byte, release> block_;
  float* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace prefopt
