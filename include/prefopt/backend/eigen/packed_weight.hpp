#pragma once

#include <cstddef>

#include <prefopt/backend/eigen/array.hpp>
#include <prefopt/backend/matrix_view.hpp>
#include <prefopt/backend/product_kind.hpp>

namespace prefopt {

/// A weight matrix, (outputs, inputs), in the order in which a product reads it: panels of
/// `tile_columns` outputs, the inputs of a panel one after the other; the last panel is filled up
/// with zeros. In floats, or in bfloat16 where that is what products are in when it is packed.
class packed_weight {
 public:
  void pack(const_matrix_view weight);

  [[nodiscard]] std::size_t outputs() const { return outputs_; }
  [[nodiscard]] std::size_t inputs() const { return inputs_; }
  [[nodiscard]] bool empty() const { return outputs_ == 0; }
  [[nodiscard]] product_kind kind() const { return kind_; }
  void clear() { *this = {}; }

  /// y = x W^T: x (rows, inputs), y (rows, outputs). Reads rows * inputs + outputs * inputs numbers
  /// and does 2 * rows * inputs * outputs operations.
  void multiply(const_matrix_view x, matrix_view y) const;

 private:
  static constexpr std::size_t pack_depth = 64;

  template <product_kind Kind>
  void pack_panels(const_matrix_view weight);
  template <product_kind Kind>
  void multiply_panels(const_matrix_view numbers, matrix_view y) const;

  host_array panels_;  // of elements
  std::size_t outputs_ = 0;
  std::size_t inputs_ = 0;
  product_kind kind_ = product_kind::float32;
};

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/backend/eigen/packed_weight.ipp>
#endif
