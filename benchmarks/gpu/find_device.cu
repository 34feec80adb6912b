// Prints the compute capability ("90") and the card's name; exits 1 and says why where there is
// none.
#include <cstdio>

#include <cuda_runtime.h>

int main() {
  int count = 0;
  const cudaError_t status = cudaGetDeviceCount(&count);
  if (status != cudaSuccess || count == 0) {
    std::fprintf(stderr, "no CUDA device%s%s\n", status == cudaSuccess ? "" : ": ",
                 status == cudaSuccess ? "" : cudaGetErrorString(status));
    return 1;
  }
  cudaDeviceProp properties{};
  if (cudaGetDeviceProperties(&properties, 0) != cudaSuccess) return 1;
  std::printf("%d%d %s\n", properties.major, properties.minor, properties.name);
  return 0;
}
