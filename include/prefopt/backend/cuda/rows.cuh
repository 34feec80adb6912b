#pragma once

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <span>
#include <vector>

#include <prefopt/backend/cuda/context.cuh>
#include <prefopt/backend/cuda/device.cuh>
#include <prefopt/backend/cuda/elements.cuh>
#include <prefopt/backend/cuda/upload.cuh>
#include <prefopt/backend/matrix_view.hpp>

namespace prefopt::gpu {

/// y[r] = x[rows[r]] (+ shifts[positions[r]], where there are any).
struct gather_elements {
  const float* x;
  const std::size_t* rows;
  const float* shifts;  // or null
  const std::size_t* positions;
  std::size_t columns;
  float* y;
  __device__ void operator()(std::size_t i) const {
    const std::size_t row = i / columns;
    const std::size_t column = i - row * columns;
    const float value = x[rows[row] * columns + column];
    y[i] = shifts == nullptr ? value : value + shifts[positions[row] * columns + column];
  }
};

/// The rows of a list by where they go: rows[begins[i]] to rows[begins[i + 1]], ascending, to
/// targets[i].
struct grouped_rows {
  std::vector<std::size_t> rows;
  std::vector<std::size_t> begins;
  std::vector<std::size_t> targets;

  explicit grouped_rows(std::span<const std::size_t> to) : rows(to.size()) {
    std::iota(rows.begin(), rows.end(), std::size_t{0});
    std::stable_sort(rows.begin(), rows.end(),
                     [&](std::size_t a, std::size_t b) { return to[a] < to[b]; });
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (i != 0 && to[rows[i]] == targets.back()) continue;
      targets.push_back(to[rows[i]]);
      begins.push_back(i);
    }
    begins.push_back(rows.size());
  }
};

/// y[targets[i]] += the sum of x's rows of group i, in their order: no two threads add to one
/// place.
struct scatter_elements {
  const float* x;
  const std::size_t* rows;
  const std::size_t* begins;
  const std::size_t* targets;
  std::size_t columns;
  float* y;
  __device__ void operator()(std::size_t i) const {
    const std::size_t group = i / columns;
    const std::size_t column = i - group * columns;
    float sum = 0.0F;
    for (std::size_t n = begins[group]; n < begins[group + 1]; ++n) {
      sum += x[rows[n] * columns + column];
    }
    y[targets[group] * columns + column] += sum;
  }
};

/// y[i] = x[rows[i]].
inline void gather_rows(const_matrix_view x, std::span<const std::size_t> rows, matrix_view y) {
  if (rows.empty()) return;
  const uploaded<std::size_t> from(rows);
  for_each_element(rows.size() * x.columns,
                   gather_elements{x.data, from.data(), nullptr, nullptr, x.columns, y.data});
}

/// dx[rows[i]] += dy[i]; a row may occur more than once.
inline void scatter_rows(const_matrix_view dy, std::span<const std::size_t> rows, matrix_view dx) {
  if (rows.empty()) return;
  const grouped_rows grouped(rows);
  const uploaded<std::size_t> order(grouped.rows);
  const uploaded<std::size_t> begins(grouped.begins);
  const uploaded<std::size_t> targets(grouped.targets);
  for_each_element(
      grouped.targets.size() * dy.columns,
      scatter_elements{dy.data, order.data(), begins.data(), targets.data(), dy.columns, dx.data});
}

}  // namespace prefopt::gpu
