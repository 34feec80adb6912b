#pragma once

#include <Eigen/Core>

#include <prefopt/backend/matrix_view.hpp>

namespace prefopt::detail {

// Our views as Eigen's.

using eigen_matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using eigen_view = Eigen::Map<eigen_matrix>;

inline eigen_view as_eigen(matrix_view m) {
  return {m.data, static_cast<Eigen::Index>(m.rows), static_cast<Eigen::Index>(m.columns)};
}

}  // namespace prefopt::detail
