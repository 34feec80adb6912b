// Everything on the CPU, in one include.
#include <cstdio>
#include <vector>

#include <prefopt/prefopt.hpp>

int main() {
  const std::vector<float> weights{1.0F, 2.0F};
  std::printf("%zu\n", weights.size());
  return prefopt::odpo(0.1, 0.5).beta == 0.1 ? 0 : 1;
}
