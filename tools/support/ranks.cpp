#include "ranks.hpp"

#include <cstdlib>
#include <iostream>

#include <prefopt/core/error.hpp>

#ifdef PREFOPT_TOOLS_MPI
#include <prefopt/core/mpi_communicator.hpp>
#endif

namespace tools {
namespace {

/// The number of processes, or at least a sign of several, as those say it that start programs of
/// MPI: Open MPI; MPICH, Intel MPI and Slurm's pmi2; MVAPICH; anything with PMIx.
bool started_as_rank() {
  for (const char* name :
       {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MV2_COMM_WORLD_SIZE", "PMIX_RANK"}) {
    if (std::getenv(name) != nullptr) return true;
  }
  return false;
}

}  // namespace

#ifdef PREFOPT_TOOLS_MPI

struct program_ranks::several {
  prefopt::mpi_communicator all;
};

program_ranks::program_ranks() {
  if (started_as_rank()) several_ = std::make_unique<several>();
}
void program_ranks::sum(std::span<double> values) {
  if (several_) several_->all.sum(values);
}
void program_ranks::sum(std::span<float> values) {
  if (several_) several_->all.sum(values);
}
std::size_t program_ranks::rank() const {
  return several_ ? several_->all.rank() : 0;
}
std::size_t program_ranks::size() const {
  return several_ ? several_->all.size() : 1;
}
void program_ranks::sum_shares(std::span<float> values) {
  if (several_) several_->all.sum_shares(values);
}
void program_ranks::begin_sum_shares(std::span<float> values) {
  if (several_) several_->all.begin_sum_shares(values);
}
void program_ranks::finish_sums() {
  if (several_) several_->all.finish_sums();
}
void program_ranks::gather_shares(std::span<float> values) {
  if (several_) several_->all.gather_shares(values);
}
void program_ranks::broadcast(std::span<std::byte> bytes, std::size_t root) {
  if (several_) several_->all.broadcast(bytes, root);
}
void program_ranks::abort(const std::string& message, int code) {
  if (several_) several_->all.abort(message, code);
}
int program_ranks::leave(int code) {
  constexpr double patience = 5.0;  // seconds
  if (several_ && code != 0 && !several_->all.meet(patience)) {
    several_->all.abort("ends; others were still at work", code);
  }
  return code;
}

#else

struct program_ranks::several {};

program_ranks::program_ranks() {
  const char* const open_mpi = std::getenv("OMPI_COMM_WORLD_SIZE");
  const char* const others = std::getenv("PMI_SIZE");
  const char* const size = open_mpi != nullptr ? open_mpi : others;
  if (started_as_rank() && size != nullptr && std::atoi(size) > 1) {
    throw prefopt::usage_error(std::string("started as ") + size +
                               " processes, but built without MPI (PREFOPT_MPI)");
  }
}
void program_ranks::sum(std::span<double>) {}
void program_ranks::sum(std::span<float>) {}
std::size_t program_ranks::rank() const {
  return 0;
}
std::size_t program_ranks::size() const {
  return 1;
}
void program_ranks::sum_shares(std::span<float>) {}
void program_ranks::begin_sum_shares(std::span<float>) {}
void program_ranks::finish_sums() {}
void program_ranks::gather_shares(std::span<float>) {}
void program_ranks::broadcast(std::span<std::byte>, std::size_t) {}
void program_ranks::abort(const std::string&, int) {}
int program_ranks::leave(int code) {
  return code;
}

#endif

program_ranks::~program_ranks() = default;

program_ranks& ranks() {
  static program_ranks all;
  return all;
}

first_rank_speaks::first_rank_speaks() {
  if (ranks().rank() == 0) return;
  out_ = std::cout.rdbuf(&nowhere_);
  err_ = std::cerr.rdbuf(&nowhere_);
}

first_rank_speaks::~first_rank_speaks() {
  if (out_ == nullptr) return;
  std::cout.rdbuf(out_);
  std::cerr.rdbuf(err_);
}

}  // namespace tools
