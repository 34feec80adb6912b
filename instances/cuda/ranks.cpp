#include "ranks.hpp"

#include <prefopt/core/nccl_communicator.hpp>

namespace prefopt::cuda_instance {

bool has_nccl() {
  return true;
}

std::unique_ptr<any_ranks> join_by_nccl(any_ranks& others) {
  return std::make_unique<any_ranks_of<nccl_communicator>>(nccl_place_among(others));
}

std::unique_ptr<any_ranks> join_by_nccl(const rank_environment& started) {
  return std::make_unique<any_ranks_of<nccl_communicator>>(nccl_place_of(started));
}

}  // namespace prefopt::cuda_instance
