#include "models.hpp"

#include <prefopt/core/error.hpp>
#include <prefopt/cuda.cuh>
#include <prefopt/model/encoder_classifier.hpp>
#include <prefopt/model/transformer.hpp>

namespace prefopt::cuda_instance {

bool built() {
  return true;
}

found_devices find() {
  found_devices found;
  int count = 0;
  const cudaError_t status = cudaGetDeviceCount(&count);
  if (status != cudaSuccess) {
    (void)cudaGetLastError();  // or the next call would report it
    found.problem = cudaGetErrorString(status);
    return found;
  }
  for (int i = 0; i < count; ++i) {
    cudaDeviceProp properties{};
    gpu::check(cudaGetDeviceProperties(&properties, i), "cudaGetDeviceProperties");
    found.names.emplace_back(properties.name);
  }
  return found;
}

void use(int device, product_kind products) {
  gpu::check(cudaSetDevice(device), "cudaSetDevice");
  if (gpu::context::current().device() != device) {
    throw usage_error("this process computes on CUDA device " +
                      std::to_string(gpu::context::current().device()) + " already");
  }
  cuda_backend::use_products(products);
}

any_transformer make_transformer(const transformer_config& config) {
  return transformer<cuda_backend>(config);
}

any_classifier make_classifier(const encoder_config& config) {
  return encoder_classifier<cuda_backend>(config);
}

any_optimizer make_adamw(const adamw_options& options) {
  return cuda_adamw(options);
}

any_optimizer make_rmsprop(const rmsprop_options& options) {
  return cuda_rmsprop(options);
}

}  // namespace prefopt::cuda_instance
