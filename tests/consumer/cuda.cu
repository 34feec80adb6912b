#include <cstdio>
#include <prefopt/backend/cuda/device.cuh>

template <int = 0>
__global__ void set_one(float* x) {
  *x = 1;
}

// A device or none: either is said, and nothing crashes.
int main() {
  try {
    void* memory = nullptr;
    prefopt::gpu::check(cudaMallocManaged(&memory, sizeof(float)), "cudaMallocManaged");
    auto* const x = static_cast<float*>(memory);
    prefopt::gpu::launch(set_one<>, 1, 1, 0, nullptr, x);
    prefopt::gpu::check(cudaDeviceSynchronize(), "cudaDeviceSynchronize");
    std::printf("%g\n", *x);
  } catch (const prefopt::cuda_error& e) {
    std::printf("%s\n", e.what());
  }
}
