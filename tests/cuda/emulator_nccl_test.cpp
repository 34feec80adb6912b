// Of the emulator: what it makes of calls of NCCL that would go wrong on GPUs.

#include <cstddef>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cuda_runtime.h>
#include <nccl.h>

#include <emulator/testing.hpp>
#include "support/thread_ranks.hpp"

namespace emulator {
namespace {

ncclResult_t state_of(ncclComm_t ranks) {
  ncclResult_t state = ncclSuccess;
  EXPECT_EQ(ncclCommGetAsyncError(ranks, &state), ncclSuccess);
  return state;
}

ncclComm_t joined(const ncclUniqueId& id, int rank, int size) {
  ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
  config.blocking = 0;
  ncclComm_t ranks = nullptr;
  EXPECT_EQ(ncclCommInitRankConfig(&ranks, size, id, rank, &config), ncclInProgress);
  while (state_of(ranks) == ncclInProgress) {
  }
  return ranks;
}

struct lone_rank {
  ncclComm_t ranks = nullptr;
  cudaStream_t stream = nullptr;
  lone_rank() {
    ncclUniqueId id;
    EXPECT_EQ(ncclGetUniqueId(&id), ncclSuccess);
    ranks = joined(id, 0, 1);
    cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking);
  }
  ~lone_rank() {
    ncclCommAbort(ranks);
    cudaStreamDestroy(stream);
  }
  ncclResult_t gather(const float* from, float* to, std::size_t count) const {
    return ncclAllGather(from, to, count, ncclFloat32, ranks, stream);
  }
};

TEST(emulator_nccl, arrays_lie_on_the_device_and_do_not_overlap) {
  const lone_rank one;
  const device_vector<float> x(100);
  std::vector<float> host(100);
  EXPECT_EQ(one.gather(host.data(), host.data(), 4), ncclInvalidArgument);
  EXPECT_THAT(ncclGetLastError(one.ranks), testing::HasSubstr("not in device memory"));
  EXPECT_EQ(one.gather(x.data(), x.data() + 50, 51), ncclInvalidArgument);
  EXPECT_THAT(ncclGetLastError(one.ranks), testing::HasSubstr("beyond its allocation"));
  EXPECT_EQ(one.gather(x.data(), x.data() + 1, 4), ncclInvalidArgument);
  EXPECT_THAT(ncclGetLastError(one.ranks), testing::HasSubstr("overlap"));
  EXPECT_EQ(one.gather(x.data(), x.data(), 4), ncclInProgress);
}

TEST(emulator_nccl, a_call_is_in_its_stream_when_ncclCommGetAsyncError_says_so) {
  const lone_rank one;
  const device_vector<float> x(std::vector<float>{1, 2});
  const device_vector<float> y(std::vector<float>{0, 0});
  EXPECT_EQ(one.gather(x.data(), y.data(), 2), ncclInProgress);
  EXPECT_EQ(one.gather(x.data(), y.data(), 2), ncclInvalidArgument) << "the first has not ended";
  EXPECT_EQ(y.read(), (std::vector<float>{0, 0}));
  EXPECT_EQ(state_of(one.ranks), ncclSuccess);
  EXPECT_EQ(y.read(), (std::vector<float>{1, 2}));
}

TEST(emulator_nccl, ranks_make_the_same_calls) {
  const keep_options kept;
  option.devices = 2;
  ncclUniqueId id;
  ASSERT_EQ(ncclGetUniqueId(&id), ncclSuccess);
  prefopt::test::run_ranks(2, [&](prefopt::test::thread_rank& threads) {
    const auto rank = static_cast<int>(threads.rank());
    ASSERT_EQ(cudaSetDevice(rank), cudaSuccess);
    const ncclComm_t ranks = joined(id, rank, 2);
    const device_vector<float> x(100);
    threads.meet();
    EXPECT_EQ(ncclBroadcast(x.data(), x.data(), rank == 0 ? 4 : 5, ncclFloat32, 0, ranks, nullptr),
              ncclInProgress);
    EXPECT_EQ(state_of(ranks), ncclSuccess);
    EXPECT_EQ(cudaDeviceSynchronize(), cudaErrorLaunchFailure);
    threads.meet();
    ncclCommAbort(ranks);
  });
  EXPECT_THAT(problem(), testing::AllOf(testing::HasSubstr("ncclBroadcast of 4"),
                                        testing::HasSubstr("ncclBroadcast of 5")));
  recover();
}

}  // namespace
}  // namespace emulator
