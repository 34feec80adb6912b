// Several GPUs. It is linked, and runs where there is a device; the other machines' error is NCCL's
// or CUDA's, by name.
#include <cstdio>
#include <exception>
#include <span>

#include <prefopt/core/nccl_communicator.hpp>

int main() {
  int devices = 0;
  const bool alone = cudaGetDeviceCount(&devices) != cudaSuccess || devices == 0;
  try {
    prefopt::single_process one_process;
    prefopt::nccl_communicator ranks(prefopt::nccl_place_among(one_process));
    double one = 1.0;
    ranks.sum(std::span<double>(&one, 1));
    std::printf("%g\n", one);
    return one == 1.0 ? 0 : 1;
  } catch (const prefopt::nccl_error& problem) {
    std::printf("%s\n", problem.what());
    return alone ? 0 : 1;
  }
}
