#pragma once

#include <cstddef>
#include <cstdlib>
#include <string>

#include <cuda_runtime.h>
#include <nccl.h>

#include <prefopt/core/communicator.hpp>
#include <prefopt/core/error.hpp>
#include <prefopt/core/rank_environment.hpp>

namespace prefopt {

/// A call of NCCL, or of the CUDA runtime on its behalf, that failed; the message names it.
class nccl_error : public error {
  using error::error;
};

/// What NCCL needs to know to bring ranks together.
struct nccl_place {
  ncclUniqueId id{};
  std::size_t rank = 0;
  std::size_t size = 1;
};

namespace detail {

inline void check_nccl(ncclResult_t status, const std::string& call, ncclComm_t ranks = nullptr) {
  if (status == ncclSuccess) return;
  const char* const more = ncclGetLastError(ranks);
  const bool says_more = more != nullptr && *more != '\0';
  throw nccl_error(call + ": " + ncclGetErrorString(status) +
                   (says_more ? std::string(" (") + more + ")" : ""));
}

inline void check_runtime(cudaError_t status, const char* call) {
  if (status == cudaSuccess) return;
  (void)cudaGetLastError();  // told here; the next launch of a kernel must not find it
  throw nccl_error(std::string(call) + ": " + cudaGetErrorString(status) + " (" +
                   cudaGetErrorName(status) + ")");
}

}  // namespace detail

/// The place of ranks that another communicator has joined already: it carries NCCL's id.
template <communicator Others>
nccl_place nccl_place_among(Others& others) {
  nccl_place place{{}, others.rank(), others.size()};
  if (place.rank == 0) detail::check_nccl(ncclGetUniqueId(&place.id), "ncclGetUniqueId");
  place.id = broadcast_value(others, place.id);
  return place;
}

/// The place of ranks that torchrun or Slurm's srun started. They find each other by NCCL's
/// environment variable NCCL_COMM_ID=host:port, with which every rank makes the same id and rank 0
/// listens there. This sets it to `started`'s host and port (torchrun's MASTER_PORT + 1, or one
/// made of the numbers of Slurm's job and step), unless it is set.
inline nccl_place nccl_place_of(const rank_environment& started) {
  const std::string at = started.host + ":" + std::to_string(started.port);
  if (setenv("NCCL_COMM_ID", at.c_str(), 0) != 0) throw nccl_error("setenv of NCCL_COMM_ID failed");
  nccl_place place{{}, started.rank, started.size};
  detail::check_nccl(ncclGetUniqueId(&place.id), "ncclGetUniqueId with NCCL_COMM_ID=" + at);
  return place;
}

}  // namespace prefopt
