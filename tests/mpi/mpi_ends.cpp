// Ranks of which the last ends in the way that the argument says, while the others wait for it.
#include <csignal>
#include <cstdio>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include <prefopt/core/mpi_communicator.hpp>

namespace {

void compute(prefopt::mpi_communicator& ranks, const std::string& way) {
  if (way == "all_throw") throw std::runtime_error("no such file");
  if (ranks.rank() == ranks.size() - 1) {
    if (way == "throw") throw std::runtime_error("a loss is NaN");
    if (way == "kill") std::raise(SIGKILL);
    if (way == "leave") {
      if (!ranks.meet(1.0)) ranks.abort("stopped by a signal", 143);
      return;
    }
  }
  std::vector<double> value{1.0};
  ranks.sum(std::span<double>(value));
}

}  // namespace

int main(int argc, char** argv) {
  const std::string way = argc > 1 ? argv[1] : "";
  if (way == "unwind") {  // caught by nobody below: the communicator itself ends the others
    try {
      prefopt::mpi_communicator ranks;
      compute(ranks, "throw");
    } catch (const std::exception& problem) {
      std::fprintf(stderr, "%s\n", problem.what());
      return 1;
    }
    return 0;
  }
  prefopt::mpi_communicator ranks;
  try {
    compute(ranks, way);
  } catch (const std::exception& problem) {
    ranks.abort(problem.what());
  }
}
