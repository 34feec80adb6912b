#include "ranks.hpp"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <thread>

#include <prefopt/core/error.hpp>
#include <prefopt/core/local_rank.hpp>

#ifdef PREFOPT_TOOLS_MPI
#include <prefopt/core/mpi_communicator.hpp>
#endif

namespace tools {

namespace cuda = prefopt::cuda_instance;

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

/// Null without MPI.
std::unique_ptr<cuda::any_ranks> join_by_mpi() {
#ifdef PREFOPT_TOOLS_MPI
  return std::make_unique<cuda::any_ranks_of<prefopt::mpi_communicator>>();
#else
  return nullptr;
#endif
}

void refuse_several(const char* variable) {
  const char* const size = std::getenv(variable);
  if (size != nullptr && std::atoi(size) > 1) {
    throw prefopt::usage_error(std::string("started as ") + size +
                               " processes, but built without MPI (PREFOPT_MPI)");
  }
}

/// Ends this process, and its starter the others. What all meet at once rank 0 alone tells.
void end_alone(const prefopt::rank_environment& own, const std::string& message, int code) {
  if (own.rank != 0) std::this_thread::sleep_for(std::chrono::seconds(1));
  std::fprintf(stderr, "rank %zu of %zu: %s\n", own.rank, own.size, message.c_str());
  std::fflush(stderr);
  std::_Exit(code);
}

}  // namespace

program_ranks::program_ranks() {
  if (started_as_rank()) by_mpi_ = join_by_mpi();
  if (by_mpi_) return;
  refuse_several("OMPI_COMM_WORLD_SIZE");  // first: mpirun itself may be started by srun
  started_ = prefopt::read_rank_environment();
  if (started_ && started_->size == 1) started_.reset();
  if (!started_) refuse_several("PMI_SIZE");
}

template <class Work>
void program_ranks::together(Work&& work) const {
  if (joined() != nullptr) {
    work(*joined());
  } else if (started_) {
    throw prefopt::usage_error(
        "processes without MPI are joined only when they have a CUDA device");
  }
}

void program_ranks::sum(std::span<double> values) {
  together([&](any_ranks& all) { all.sum(values); });
}
void program_ranks::sum(std::span<float> values) {
  together([&](any_ranks& all) { all.sum(values); });
}
std::size_t program_ranks::rank() const {
  return started_ ? started_->rank : by_mpi_ ? by_mpi_->rank() : 0;
}
std::size_t program_ranks::size() const {
  return started_ ? started_->size : by_mpi_ ? by_mpi_->size() : 1;
}
void program_ranks::sum_shares(std::span<float> values) {
  together([&](any_ranks& all) { all.sum_shares(values); });
}
void program_ranks::begin_sum_shares(std::span<float> values) {
  together([&](any_ranks& all) { all.begin_sum_shares(values); });
}
void program_ranks::finish_sums() {
  together([&](any_ranks& all) { all.finish_sums(); });
}
void program_ranks::gather_shares(std::span<float> values) {
  together([&](any_ranks& all) { all.gather_shares(values); });
}
void program_ranks::broadcast(std::span<std::byte> bytes, std::size_t root) {
  together([&](any_ranks& all) { all.broadcast(bytes, root); });
}

std::size_t program_ranks::local_rank() {
  if (started_) return started_->local_rank;
  return by_mpi_ ? prefopt::local_rank(*by_mpi_) : 0;
}

std::string program_ranks::device_opened(bool on_cuda, bool own) {
  if (size() == 1) return "";
  if (started_) {
    const std::string several = "started as " + std::to_string(size()) + " processes without MPI";
    if (!on_cuda) throw prefopt::usage_error(several + ": they need --device cuda, or mpirun");
    if (!cuda::has_nccl()) throw prefopt::usage_error(several + ", but built without NCCL");
    if (!own)
      throw prefopt::usage_error(several + ", and of this machine's CUDA devices are fewer");
    by_nccl_ = cuda::join_by_nccl(*started_);
    return "NCCL";
  }
  double able = on_cuda && own && cuda::has_nccl() ? 1.0 : 0.0;
  by_mpi_->sum(std::span<double>(&able, 1));
  if (able < static_cast<double>(size())) return "MPI";
  by_nccl_ = cuda::join_by_nccl(*by_mpi_);
  return "NCCL";
}

void program_ranks::abort(const std::string& message, int code) {
  // MPI first: it ends all at once.
  if (any_ranks* const all = by_mpi_ ? by_mpi_.get() : by_nccl_.get(); all != nullptr) {
    all->abort(message, code);
  } else if (started_) {
    end_alone(*started_, message, code);
  }
}

int program_ranks::leave(int code) {
  constexpr double patience = 5.0;  // seconds
  any_ranks* const all = by_mpi_ ? by_mpi_.get() : by_nccl_.get();
  if (all != nullptr && code != 0 && !all->meet(patience)) {
    all->abort("ends; others were still at work", code);
  }
  by_nccl_.reset();  // while CUDA is there
  return code;
}

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
