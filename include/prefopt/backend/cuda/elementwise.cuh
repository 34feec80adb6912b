#pragma once

#include <cstddef>

#include <prefopt/backend/cuda/context.cuh>
#include <prefopt/backend/cuda/device.cuh>
#include <prefopt/backend/cuda/elements.cuh>
#include <prefopt/backend/matrix_view.hpp>

namespace prefopt::gpu {

struct add_elements {
  float* x;
  const float* y;
  __device__ void operator()(std::size_t i) const { x[i] += y[i]; }
};
struct scale_elements {
  float* x;
  float factor;
  __device__ void operator()(std::size_t i) const { x[i] *= factor; }
};
struct fill_elements {
  float* x;
  float value;
  __device__ void operator()(std::size_t i) const { x[i] = value; }
};

/// x += y.
inline void add(matrix_view x, const_matrix_view y) {
  for_each_element(x.size(), add_elements{x.data, y.data});
}
inline void scale(matrix_view x, float factor) {
  for_each_element(x.size(), scale_elements{x.data, factor});
}
inline void copy(const_matrix_view from, matrix_view to) {
  context::current().copy(to.data, from.data, from.size() * sizeof(float));
}
inline void fill(matrix_view x, float value) {
  for_each_element(x.size(), fill_elements{x.data, value});
}

}  // namespace prefopt::gpu
