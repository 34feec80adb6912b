#include <prefopt/core/error.hpp>

#include "ranks.hpp"

namespace prefopt::cuda_instance {
namespace {

[[noreturn]] void fail() {
  throw usage_error("this program was built without NCCL");
}

}  // namespace

bool has_nccl() {
  return false;
}

std::unique_ptr<any_ranks> join_by_nccl(any_ranks&) {
  fail();
}

std::unique_ptr<any_ranks> join_by_nccl(const rank_environment&) {
  fail();
}

}  // namespace prefopt::cuda_instance
