#pragma once

#include <algorithm>
#include <cstddef>

#include <omp.h>

#include <Eigen/Core>

#include <prefopt/backend/matrix_view.hpp>

namespace prefopt::detail {

// The matrix products of the backward pass, whose order of summation is Eigen's own affair.
//
// oneDNN can be quicker here, but is not used: while its dnnl_sgemm (2.6.3, AVX-512) runs, a
// signal that is handled corrupts memory, whatever the handler does (benchmarks/onednn_signals
// shows it; training_step_benchmark compares the two engines).

enum class transposed { no, yes };

using eigen_matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using eigen_view = Eigen::Map<eigen_matrix>;
using const_eigen_view = Eigen::Map<const eigen_matrix>;

inline eigen_view as_eigen(matrix_view m) {
  return {m.data, static_cast<Eigen::Index>(m.rows), static_cast<Eigen::Index>(m.columns)};
}
inline const_eigen_view as_eigen(const_matrix_view m) {
  return {m.data, static_cast<Eigen::Index>(m.rows), static_cast<Eigen::Index>(m.columns)};
}

/// c = a b, or c += a b where `add`; a stands transposed in memory where `left` says so. Eigen's
/// own threads collapse on small products: ours take blocks of c's columns.
inline void product(const_matrix_view a, transposed left, const_matrix_view b, matrix_view c,
                    bool add) {
  if (c.size() == 0) return;
  const std::size_t threads = static_cast<std::size_t>(omp_get_max_threads());
  const std::size_t step = std::max<std::size_t>(64, (c.columns + threads - 1) / threads);
  const std::size_t blocks = (c.columns + step - 1) / step;
#pragma omp parallel for schedule(static) if (blocks > 1)
  for (std::size_t block = 0; block < blocks; ++block) {
    const auto first = static_cast<Eigen::Index>(block * step);
    const auto width = static_cast<Eigen::Index>(std::min(step, c.columns - block * step));
    auto target = as_eigen(c).middleCols(first, width);
    const auto right = as_eigen(b).middleCols(first, width);
    if (!add) target.setZero();
    if (left == transposed::yes) {
      target.noalias() += as_eigen(a).transpose() * right;
    } else {
      target.noalias() += as_eigen(a) * right;
    }
  }
}

}  // namespace prefopt::detail
