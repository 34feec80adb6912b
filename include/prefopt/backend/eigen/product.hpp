#pragma once

#include <algorithm>
#include <cstddef>
#include <string>

#include <omp.h>

#include <Eigen/Core>

#if defined(PREFOPT_HAS_ONEDNN)
#include <oneapi/dnnl/dnnl.h>
#endif

#include <prefopt/backend/matrix_view.hpp>
#include <prefopt/core/error.hpp>

namespace prefopt::detail {

// The matrix products of the backward pass, whose order of summation is the engine's own affair:
// oneDNN where it was found, else Eigen.

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

/// `product` by Eigen. Its own threads collapse on small products: ours take blocks of c's columns.
inline void eigen_product(const_matrix_view a, transposed left, const_matrix_view b, matrix_view c,
                          bool add) {
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

#if defined(PREFOPT_HAS_ONEDNN)
/// `product` by oneDNN.
inline void onednn_product(const_matrix_view a, transposed left, const_matrix_view b, matrix_view c,
                           bool add) {
  const auto n = [](std::size_t size) { return static_cast<dnnl_dim_t>(size); };
  const char order = left == transposed::yes ? 'T' : 'N';
  const dnnl_status_t status =
      dnnl_sgemm(order, 'N', n(c.rows), n(c.columns), n(b.rows), 1.0F, a.data, n(a.columns), b.data,
                 n(b.columns), add ? 1.0F : 0.0F, c.data, n(c.columns));
  if (status != dnnl_success) {
    throw error("dnnl_sgemm failed with status " + std::to_string(static_cast<int>(status)));
  }
}
#endif

/// c = a b, or c += a b where `add`; a stands transposed in memory where `left` says so.
inline void product(const_matrix_view a, transposed left, const_matrix_view b, matrix_view c,
                    bool add) {
  if (c.size() == 0) return;
  if (b.rows == 0) {  // an empty sum, which oneDNN refuses
    if (!add) as_eigen(c).setZero();
    return;
  }
#if defined(PREFOPT_HAS_ONEDNN)
  onednn_product(a, left, b, c, add);
#else
  eigen_product(a, left, b, c, add);
#endif
}

}  // namespace prefopt::detail
