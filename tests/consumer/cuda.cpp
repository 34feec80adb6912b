#include <cstdio>
#include <prefopt/backend/cuda/check.cuh>

// A device or none: either is said, and nothing crashes.
int main() {
  try {
    int devices = 0;
    prefopt::gpu::check(cudaGetDeviceCount(&devices), "cudaGetDeviceCount");
    std::printf("%d devices\n", devices);
  } catch (const prefopt::cuda_error& e) {
    std::printf("%s\n", e.what());
  }
}
