#pragma once

#include <cstddef>

#include <prefopt/backend/cuda/context.cuh>
#include <prefopt/backend/cuda/device.cuh>
#include <prefopt/backend/cuda/temporary.cuh>
#include <prefopt/backend/matrix_view.hpp>

namespace prefopt::gpu {

inline constexpr unsigned column_threads = 128;
inline constexpr unsigned column_chunk = 64;  // rows

/// partial (gridDim.y, columns): the sums of term(row, column) over every 64 rows, one thread a
/// column.
template <class Term>
__global__ void __launch_bounds__(column_threads)
    column_partials(std::size_t rows, std::size_t columns, Term term, float* partial) {
  const std::size_t column = std::size_t{blockIdx.x} * column_threads + threadIdx.x;
  if (column >= columns) return;
  const std::size_t first = std::size_t{blockIdx.y} * column_chunk;
  const std::size_t last = first + column_chunk < rows ? first + column_chunk : rows;
  float sum = 0.0F;
  for (std::size_t row = first; row < last; ++row) sum += term(row, column);
  partial[blockIdx.y * columns + column] = sum;
}

/// to[column] += the sum over the chunks, in their order.
template <int = 0>
__global__ void __launch_bounds__(column_threads)
    column_totals(std::size_t chunks, std::size_t columns, const float* partial, float* to) {
  const std::size_t column = std::size_t{blockIdx.x} * column_threads + threadIdx.x;
  if (column >= columns) return;
  float sum = 0.0F;
  for (std::size_t chunk = 0; chunk < chunks; ++chunk) sum += partial[chunk * columns + column];
  to[column] += sum;
}

/// to[column] += sum over rows of term(row, column). The order of a sum depends on the number of
/// rows alone.
template <class Term>
void add_column_sums_of(std::size_t rows, std::size_t columns, Term term, float* to) {
  if (rows == 0 || columns == 0) return;
  const cudaStream_t stream = context::current().stream();
  const auto blocks = static_cast<unsigned>((columns + column_threads - 1) / column_threads);
  const auto chunks = static_cast<unsigned>((rows + column_chunk - 1) / column_chunk);
  const temporary<float> partial(chunks * columns);
  launch(column_partials<Term>, dim3(blocks, chunks), column_threads, 0, stream, rows, columns,
         term, partial.data());
  launch(column_totals<>, blocks, column_threads, 0, stream, chunks, columns, partial.data(), to);
}

struct matrix_term {
  const float* values;
  std::size_t columns;
  __device__ float operator()(std::size_t row, std::size_t column) const {
    return values[row * columns + column];
  }
};

/// The gradient of a bias, which may be null: dbias[column] += sum over rows of dy.
inline void add_column_sums(const_matrix_view dy, float* dbias) {
  if (dbias == nullptr) return;
  add_column_sums_of(dy.rows, dy.columns, matrix_term{dy.data, dy.columns}, dbias);
}

}  // namespace prefopt::gpu
