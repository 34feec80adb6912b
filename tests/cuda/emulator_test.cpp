#include "emulator_kernels.cuh"

#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <emulator/testing.hpp>

namespace prefopt::gpu::test {
namespace {

using emulator::device_vector;
using emulator::in_every_order;
using emulator::keep_options;
using emulator::problem_of_the_device;
using testing::AllOf;
using testing::HasSubstr;

std::vector<float> counted(std::size_t size) {
  std::vector<float> values(size);
  std::iota(values.begin(), values.end(), 1.0f);
  return values;
}

/// One block of 64 threads over 64 numbers: what is wrong with it.
std::string problem_of(void (*kernel)(float*), std::size_t shared_bytes = 0) {
  const device_vector<float> x(counted(64));
  launch(kernel, 1, 64, shared_bytes, nullptr, x.data());
  return problem_of_the_device();
}

template <bool Barrier>
bool reverses() {
  const auto x = counted(256);
  const device_vector<float> from(x);
  const device_vector<float> to(256);
  launch(reverse<Barrier>, 1, 256, 0, nullptr, from.data(), to.data());
  return to.read() == std::vector<float>(x.rbegin(), x.rend());
}

template <bool Barrier>
bool sums() {
  const device_vector<float> from(std::vector<float>(128, 1.0f));
  const device_vector<float> to(128);
  launch(sum_twice<Barrier>, 1, 128, 0, nullptr, from.data(), to.data());
  return to.read() == std::vector<float>(128, 12.0f);
}

TEST(emulator, executes_blocks_with_barriers) {
  in_every_order([] {
    EXPECT_TRUE(reverses<true>());
    EXPECT_TRUE(sums<true>());
  });
}

#if defined(PREFOPT_EMULATOR_TSAN)
// The sanitizer looks away in a fork of a program with threads, so these start the program anew.
TEST(emulator, a_removed_barrier_is_a_data_race) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(reverses<false>(), "data race");
  EXPECT_DEATH(sums<false>(), "data race");
}

TEST(emulator, adding_without_an_atomic_is_a_data_race) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const device_vector<float> sum(std::vector<float>{0});
  EXPECT_DEATH(
      {
        launch(count_blocks<false>, 8, 32, 0, nullptr, sum.data());
        cudaDeviceSynchronize();
      },
      "data race");
  launch(count_blocks<true>, 8, 32, 0, nullptr, sum.data());
  EXPECT_EQ(sum.read()[0], 8);
}
#else
TEST(emulator, a_removed_barrier_changes_the_result) {
#if defined(PREFOPT_EMULATOR_MSAN)  // what is read was not written yet
  in_every_order([] { EXPECT_DEATH(EXPECT_FALSE(reverses<false>()), "use-of-uninit"); });
#else
  in_every_order([] { EXPECT_FALSE(reverses<false>()); });
#endif
  // One against overwriting what others still read shows where a warp runs ahead.
  const keep_options kept;
  emulator::option.threads = emulator::thread_order::random;
  EXPECT_FALSE(sums<false>());
  emulator::option.threads = emulator::thread_order::reverse;
  EXPECT_FALSE(sums<false>());
}
#endif

#if defined(PREFOPT_EMULATOR_MSAN)
TEST(emulator, what_nobody_wrote_is_reported_where_a_kernel_uses_it) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const char* const report = "use-of-uninitialized-value[^:]*\n.*unwritten_";
  EXPECT_DEATH((void)problem_of(unwritten_shared_memory<>), report);
  EXPECT_DEATH((void)problem_of(unwritten_dynamic_memory<>, 256), report);
}

TEST(emulator, an_array_that_nobody_wrote_is_reported_also_after_a_copy_of_it) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const device_vector<int> count(std::vector<int>{0});
  const device_vector<float> sum(std::vector<float>{0});
  const auto positive_of = [&](const device_vector<float>& x) {
    launch(count_positive<>, 1, 64, 0, nullptr, x.data(), 64, count.data(), sum.data());
    return count.read()[0];
  };
  EXPECT_EQ(positive_of(device_vector<float>(counted(64))), 64);
  const device_vector<float> fresh(64);
  EXPECT_DEATH(positive_of(fresh), "use-of-uninitialized-value[^:]*\n.*count_positive");
  const device_vector<float> copy(counted(64));
  EXPECT_EQ(cudaMemcpy(copy.data(), fresh.data(), 4, cudaMemcpyDeviceToDevice), cudaSuccess);
  EXPECT_DEATH(positive_of(copy), "use-of-uninitialized-value[^:]*\n.*count_positive");
}
#endif

TEST(emulator, executes_what_warps_do_together) {
  std::vector<int> x(64);
  std::iota(x.begin(), x.end(), 0);
  const device_vector<int> from(x);
  in_every_order([&] {
    const device_vector<int> to(640);
    launch(warp_results<>, 1, 64, 0, nullptr, from.data(), to.data());
    const auto y = to.read();
    for (int t = 0; t < 64; ++t) {
      const int lane = t % 32;
      const int base = t - lane;
      unsigned thirds = 0;
      for (int l = 0; l < 32; ++l) thirds |= static_cast<unsigned>((base + l) % 3 == 0) << l;
      const std::vector<int> expected{base + 3,
                                      base + lane / 8 * 8 + 3,
                                      base + (lane == 0 ? 0 : lane - 1),
                                      base + (lane % 16 >= 14 ? lane : lane + 2),
                                      base + (lane ^ 5),
                                      static_cast<int>(thirds),
                                      (base == 0 ? 2 : 0) + 1,
                                      32 * base + 496,
                                      -base,
                                      base + (lane < 16 ? 15 : 16)};
      EXPECT_EQ(std::vector<int>(y.begin() + 10 * t, y.begin() + 10 * t + 10), expected)
          << "thread " << t;
    }
  });
}

TEST(emulator, executes_atomics_of_a_grid) {
  std::vector<float> x(1000);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = i % 4 == 0 ? -1.0f : 1.0f;
  const device_vector<float> from(x);
  in_every_order([&] {
    const device_vector<int> count(std::vector<int>{0});
    const device_vector<float> sum(std::vector<float>{0});
    launch(count_positive<>, 8, dim3(128), 0, nullptr, from.data(), 1000, count.data(), sum.data());
    EXPECT_EQ(count.read()[0], 750);
    EXPECT_EQ(sum.read()[0], 750);
  });
}

TEST(emulator, names_barriers_that_not_all_threads_reach) {
  EXPECT_THAT(problem_of(barrier_of_some<>),
              AllOf(HasSubstr("not all threads reach the same barrier"),
                    HasSubstr("barrier_of_some"), HasSubstr("24 threads (first 40) ended"),
                    HasSubstr("40 threads (first 0) at __syncthreads, "),
                    HasSubstr("emulator_kernels.cuh:")));
  EXPECT_THAT(problem_of(barrier_after_exit<>), HasSubstr("24 threads (first 40) ended"));
  EXPECT_THAT(problem_of(two_barriers<>), HasSubstr("threads meet at different barriers"));
}

TEST(emulator, names_collectives_that_not_all_lanes_reach) {
  EXPECT_THAT(problem_of(shuffle_of_some<>),
              AllOf(HasSubstr("32 threads (first 0) at a shuffle, "),
                    HasSubstr("32 threads (first 16) at __syncwarp, ")));
  EXPECT_THAT(problem_of(mask_without_itself<>), HasSubstr("lacks the lane that calls it"));
}

TEST(emulator, a_failure_stays_as_on_a_gpu) {
  const device_vector<float> x(64);
  launch(two_barriers<>, 1, 64, 0, nullptr, x.data());
  EXPECT_EQ(cudaStreamSynchronize(nullptr), cudaErrorLaunchFailure);
  EXPECT_EQ(cudaMemset(x.data(), 0, 4), cudaErrorLaunchFailure);
  EXPECT_THROW(launch(add_one<>, 1, 64, 0, nullptr, x.data(), 64), cuda_error);
  emulator::recover();
  EXPECT_EQ(cudaMemset(x.data(), 0, 4), cudaSuccess);
}

TEST(emulator, finds_writes_past_shared_memory) {
#if defined(PREFOPT_ADDRESS_SANITIZER)
  EXPECT_DEATH(problem_of(past_static_memory<>), "use-after-poison|out of bounds");
  EXPECT_DEATH(problem_of(past_dynamic_memory<>, 256), "use-after-poison");
#else
  EXPECT_THAT(problem_of(past_static_memory<>), HasSubstr("shared memory was written out of"));
  EXPECT_THAT(problem_of(past_dynamic_memory<>, 256), HasSubstr("shared memory was written out"));
#endif
  EXPECT_THAT(problem_of(too_much_static_memory<>), HasSubstr("more than 48 KiB"));
  EXPECT_THAT(problem_of(past_dynamic_memory<>), HasSubstr("the launch gives it 0 bytes"));
}

#if defined(PREFOPT_ADDRESS_SANITIZER)
TEST(emulator, finds_accesses_past_global_memory) {
  const device_vector<float> x(64);
  EXPECT_DEATH(
      {
        launch(past_global_memory<>, 1, 64, 0, nullptr, x.data(), 1);
        cudaDeviceSynchronize();
      },
      "use-after-poison");
}
#endif

TEST(emulator, stops_the_host_at_device_memory) {
  const device_vector<float> x(counted(4));
  EXPECT_DEATH(std::printf("%g\n", static_cast<double>(x.data()[1])),
               "the host touched device memory");
  EXPECT_DEATH(x.data()[1] = 0, "the host touched device memory");
  EXPECT_EQ(x.read(), counted(4));
}

TEST(emulator, refuses_launches_that_a_gpu_refuses) {
  const device_vector<float> x(4);
  std::vector<float> host(4);
  const auto refused = [&](dim3 grid, dim3 block, std::size_t shared_bytes, float* data) {
    try {
      launch(add_one<>, grid, block, shared_bytes, nullptr, data, 4);
    } catch (const cuda_error& e) {
      return std::string(e.what());
    }
    return std::string();
  };
  EXPECT_THAT(refused(1, 1025, 0, x.data()), HasSubstr("a block of 1025 x 1 x 1 threads"));
  EXPECT_THAT(refused(0, 32, 0, x.data()), HasSubstr("a grid of 0 x 1 x 1 blocks"));
  EXPECT_THAT(refused(dim3(1, 65536), 32, 0, x.data()), HasSubstr("a grid of 1 x 65536 x 1"));
  EXPECT_THAT(refused(1, 32, 164 * 1024, x.data()), HasSubstr("167936 bytes of shared memory"));
  EXPECT_THAT(refused(1, 32, 0, host.data()), HasSubstr("points to the host's memory"));
  EXPECT_EQ(refused(1, 32, 0, x.data()), "");
}

}  // namespace
}  // namespace prefopt::gpu::test
