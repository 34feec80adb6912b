#pragma once

#include <algorithm>
#include <cstddef>

#include <prefopt/backend/eigen/threads.hpp>
#include <prefopt/backend/matrix_view.hpp>

namespace prefopt::detail {

/// Adds `bias` (columns) to every row, where there is one.
inline void add_bias(const float* bias, matrix_view y) {
  if (bias == nullptr) return;
#pragma omp parallel for schedule(static) if (worth_threads(y.size()))
  for (std::size_t r = 0; r < y.rows; ++r) {
    float* row = y.row(r);
    for (std::size_t i = 0; i < y.columns; ++i) row[i] += bias[i];
  }
}

/// Its gradient: adds the sums of dy's columns to `dbias`, where there is one. Threads share out
/// the columns, so that the order of a sum does not depend on them.
inline void add_column_sums(const_matrix_view dy, float* dbias) {
  if (dbias == nullptr) return;
  constexpr std::size_t block = 64;
#pragma omp parallel for schedule(static) if (worth_threads(dy.size()))
  for (std::size_t first = 0; first < dy.columns; first += block) {
    const std::size_t last = std::min(dy.columns, first + block);
    for (std::size_t r = 0; r < dy.rows; ++r) {
      for (std::size_t i = first; i < last; ++i) dbias[i] += dy.row(r)[i];
    }
  }
}

}  // namespace prefopt::detail
