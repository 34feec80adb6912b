#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <streambuf>
#include <string>

#include <prefopt/core/communicator.hpp>
#include <prefopt/core/rank_environment.hpp>

#include "../../instances/cuda/ranks.hpp"

namespace tools {

/// The processes that run this program together: those that mpirun or srun started, where the
/// program was built with MPI; those that torchrun, or srun without MPI, started, which NCCL joins
/// when each has opened its CUDA device, and which cannot add up anything before; else this one
/// alone.
class program_ranks {
 public:
  /// Throws `prefopt::usage_error` where several were started and there is nothing to join them.
  program_ranks();
  program_ranks(const program_ranks&) = delete;
  program_ranks& operator=(const program_ranks&) = delete;
  ~program_ranks();

  void sum(std::span<double> values);
  void sum(std::span<float> values);
  [[nodiscard]] std::size_t rank() const;
  [[nodiscard]] std::size_t size() const;
  void sum_shares(std::span<float> values);
  void begin_sum_shares(std::span<float> values);
  void finish_sums();
  void gather_shares(std::span<float> values);
  void broadcast(std::span<std::byte> bytes, std::size_t root);

  /// Among the processes of this machine. All of them call it.
  [[nodiscard]] std::size_t local_rank();
  /// All of them call this when each has opened its device: on CUDA? And does none of its machine
  /// share it? Then NCCL adds up, where it is there, else MPI. Gives the name of what does, empty
  /// for one process.
  std::string device_opened(bool on_cuda, bool own);

  /// Ends all of several processes: prints the message, with this one's number.
  void abort(const std::string& message, int code);
  /// What `main` returns for `code`. Before an error's the processes wait for each other, so that
  /// none ends while another does its last work; one that never comes is ended.
  int leave(int code);

 private:
  using any_ranks = prefopt::cuda_instance::any_ranks;
  [[nodiscard]] any_ranks* joined() const { return by_nccl_ ? by_nccl_.get() : by_mpi_.get(); }
  template <class Work>
  void together(Work&& work) const;

  std::optional<prefopt::rank_environment> started_;  // without MPI
  std::unique_ptr<any_ranks> by_mpi_;
  std::unique_ptr<any_ranks> by_nccl_;
};
static_assert(prefopt::overlapping_communicator<program_ranks>);

/// The program's own; the first call joins the others.
program_ranks& ranks();

/// Has the first process do what it does alone (writing files), while the others wait.
template <class Work>
void on_first_rank(Work&& work) {
  if (ranks().rank() == 0) work();
  double done = 0.0;
  ranks().sum(std::span<double>(&done, 1));
}

/// While one lives, a process that is not the first writes nothing to std::cout and std::cerr.
class first_rank_speaks {
 public:
  first_rank_speaks();
  first_rank_speaks(const first_rank_speaks&) = delete;
  first_rank_speaks& operator=(const first_rank_speaks&) = delete;
  ~first_rank_speaks();

 private:
  class nowhere : public std::streambuf {
    int_type overflow(int_type c) override { return traits_type::not_eof(c); }
  };
  nowhere nowhere_;
  std::streambuf* out_ = nullptr;
  std::streambuf* err_ = nullptr;
};

}  // namespace tools
