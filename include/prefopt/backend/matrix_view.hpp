#pragma once

#include <concepts>
#include <cstddef>

namespace prefopt {

/// A row-major matrix in a backend's memory, owned by somebody else. Host code passes it around but
/// does not look into it: the memory may be a GPU's.
template <class T>
struct basic_matrix_view {
  T* data = nullptr;
  std::size_t rows = 0;
  std::size_t columns = 0;

  [[nodiscard]] constexpr std::size_t size() const { return rows * columns; }
  [[nodiscard]] constexpr T* row(std::size_t i) const { return data + i * columns; }

  /// As T* converts to const T*.
  template <std::same_as<const T> Constant>
  constexpr operator basic_matrix_view<Constant>() const {  // NOLINT(google-explicit-constructor)
    return {data, rows, columns};
  }
};

using matrix_view = basic_matrix_view<float>;
using const_matrix_view = basic_matrix_view<const float>;

}  // namespace prefopt
