// Of the emulator: streams, events, and memory in their order.

#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <emulator/testing.hpp>
#include "emulator_kernels.cuh"

namespace prefopt::gpu::test {
namespace {

using emulator::device_memory;
using emulator::device_vector;
using emulator::in_every_order;
using emulator::keep_options;
using emulator::stream_order;

struct two_streams {
  cudaStream_t first = nullptr;
  cudaStream_t second = nullptr;
  cudaEvent_t event = nullptr;
  two_streams() {
    cudaStreamCreateWithFlags(&first, cudaStreamNonBlocking);
    cudaStreamCreateWithFlags(&second, cudaStreamNonBlocking);
    cudaEventCreateWithFlags(&event, cudaEventDisableTiming);
  }
  ~two_streams() {
    cudaEventDestroy(event);
    cudaStreamDestroy(second);
    cudaStreamDestroy(first);
  }
};

/// x += 1 in one stream, y = 2 x in another, which waits for the first or not: y.
float product_of_streams(bool waits) {
  const two_streams streams;
  const device_vector<float> x(std::vector<float>{20});
  const device_vector<float> y(std::vector<float>{0});
  launch(add_one<>, 1, 32, 0, streams.first, x.data(), 1);
  cudaEventRecord(streams.event, streams.first);
  if (waits) cudaStreamWaitEvent(streams.second, streams.event, 0);
  launch(twice<>, 1, 32, 0, streams.second, x.data(), y.data(), 1);
  EXPECT_EQ(cudaStreamSynchronize(streams.second), cudaSuccess);
  return y.read()[0];
}

/// y = 2 x in one stream, then x += 1 in another, which waits for it or not: y.
float product_before_change(bool waits) {
  const two_streams streams;
  const device_vector<float> x(std::vector<float>{20});
  const device_vector<float> y(std::vector<float>{0});
  launch(twice<>, 1, 32, 0, streams.first, x.data(), y.data(), 1);
  cudaEventRecord(streams.event, streams.first);
  if (waits) cudaStreamWaitEvent(streams.second, streams.event, 0);
  launch(add_one<>, 1, 32, 0, streams.second, x.data(), 1);
  EXPECT_EQ(cudaStreamSynchronize(streams.second), cudaSuccess);
  return y.read()[0];
}

TEST(emulator_streams, an_event_orders_two_streams) {
  in_every_order([] {
    EXPECT_EQ(product_of_streams(true), 42);
    EXPECT_EQ(product_before_change(true), 40);
  });
}

TEST(emulator_streams, a_missing_wait_changes_the_result) {
  const keep_options kept;
  emulator::option.streams = stream_order::lazy;
  EXPECT_EQ(product_of_streams(false), 40);
  EXPECT_EQ(product_before_change(false), 42);
}

TEST(emulator_streams, the_default_stream_is_ordered_with_blocking_ones) {
  cudaStream_t blocking = nullptr;
  cudaStreamCreate(&blocking);
  in_every_order([&] {
    const device_vector<float> x(std::vector<float>{1});
    const device_vector<float> y(std::vector<float>{0});
    const device_vector<float> z(std::vector<float>{0});
    launch(add_one<>, 1, 32, 0, blocking, x.data(), 1);
    launch(twice<>, 1, 32, 0, nullptr, x.data(), y.data(), 1);
    launch(twice<>, 1, 32, 0, blocking, y.data(), z.data(), 1);
    EXPECT_EQ(cudaStreamSynchronize(blocking), cudaSuccess);
    EXPECT_EQ(z.read()[0], 8);
  });
  cudaStreamDestroy(blocking);
}

TEST(emulator_streams, nothing_happens_before_it_is_waited_for) {
  const two_streams streams;
  void* memory = nullptr;
  cudaMallocHost(&memory, sizeof(float));
  auto* const pinned = static_cast<float*>(memory);
  cudaMallocManaged(&memory, sizeof(float));
  auto* const managed = static_cast<float*>(memory);
  *pinned = *managed = 1;
  const device_vector<float> x(std::vector<float>{5});
  cudaMemcpyAsync(pinned, x.data(), sizeof(float), cudaMemcpyDeviceToHost, streams.first);
  launch(add_one<>, 1, 32, 0, streams.first, managed, 1);
  cudaEventRecord(streams.event, streams.first);
  EXPECT_EQ(*pinned, 1);
  EXPECT_EQ(*managed, 1);
  EXPECT_EQ(cudaStreamQuery(streams.first), cudaErrorNotReady);
  EXPECT_EQ(cudaGetLastError(), cudaErrorNotReady) << "which a launch would report";
  EXPECT_EQ(cudaEventSynchronize(streams.event), cudaSuccess);
  EXPECT_EQ(*pinned, 5);
  EXPECT_EQ(*managed, 2);
  EXPECT_EQ(cudaStreamQuery(streams.first), cudaSuccess);
  EXPECT_EQ(cudaFreeHost(pinned), cudaSuccess);
  EXPECT_EQ(cudaFree(managed), cudaSuccess);
}

TEST(emulator_streams, pageable_memory_is_read_at_once_and_pinned_memory_later) {
  const two_streams streams;
  const device_vector<float> x(1);
  std::vector<float> pageable{3};
  cudaMemcpyAsync(x.data(), pageable.data(), sizeof(float), cudaMemcpyHostToDevice, streams.first);
  pageable[0] = 4;
  cudaStreamSynchronize(streams.first);
  EXPECT_EQ(x.read()[0], 3);

  void* memory = nullptr;
  cudaMallocHost(&memory, sizeof(float));
  auto* const pinned = static_cast<float*>(memory);
  *pinned = 3;
  cudaMemcpyAsync(x.data(), pinned, sizeof(float), cudaMemcpyHostToDevice, streams.first);
  *pinned = 4;  // too early
  cudaStreamSynchronize(streams.first);
  EXPECT_EQ(x.read()[0], 4);
  cudaFreeHost(pinned);
}

TEST(emulator_memory, is_given_and_taken_in_the_order_of_a_stream) {
  const two_streams streams;
  const std::size_t used = device_memory::used();
  void* memory = nullptr;
  ASSERT_EQ(cudaMallocAsync(&memory, 100, streams.first), cudaSuccess);
  auto* const x = static_cast<float*>(memory);
  EXPECT_EQ(cudaMemsetAsync(x, 0, 100, streams.first), cudaSuccess);
  launch(add_one<>, 1, 32, 0, streams.first, x, 25);
  EXPECT_EQ(cudaFreeAsync(x, streams.first), cudaSuccess);
  EXPECT_EQ(device_memory::used(), used + 100);
  EXPECT_EQ(cudaStreamSynchronize(streams.first), cudaSuccess);
  EXPECT_EQ(device_memory::used(), used);
}

#if defined(PREFOPT_ADDRESS_SANITIZER)
TEST(emulator_memory, finds_use_in_another_stream_that_is_too_early_or_too_late) {
  const keep_options kept;
  emulator::option.streams = emulator::stream_order::lazy;  // in others_first it was given already
  const two_streams streams;
  void* memory = nullptr;
  ASSERT_EQ(cudaMallocAsync(&memory, 100, streams.first), cudaSuccess);
  auto* const x = static_cast<float*>(memory);
  EXPECT_DEATH(
      {
        launch(add_one<>, 1, 32, 0, streams.second, x, 25);
        cudaStreamSynchronize(streams.second);
      },
      "use-after-poison");
  cudaFreeAsync(x, streams.first);
  EXPECT_DEATH(
      {
        cudaStreamSynchronize(streams.first);
        launch(add_one<>, 1, 32, 0, streams.second, x, 25);
        cudaStreamSynchronize(streams.second);
      },
      "use-after-poison");
  cudaStreamSynchronize(streams.first);
}
#endif

#if !defined(PREFOPT_EMULATOR_MSAN)  // which reports the look at it
TEST(emulator_memory, fresh_memory_is_not_a_number) {
  const device_vector<float> x(100);
  for (const float value : x.read()) EXPECT_TRUE(std::isnan(value));
}
#endif

TEST(emulator_memory, copies_must_lie_in_one_allocation_of_the_kind_that_is_said) {
  const device_vector<float> x(10);
  std::vector<float> host(20);
  const auto to_device = cudaMemcpyHostToDevice;
  EXPECT_EQ(cudaMemcpy(x.data(), host.data(), 44, to_device), cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemcpy(host.data(), x.data(), 40, to_device), cudaErrorInvalidValue);
  EXPECT_EQ(cudaGetLastError(), cudaErrorInvalidValue);
  EXPECT_EQ(cudaGetLastError(), cudaSuccess);
  EXPECT_EQ(cudaMemcpy(x.data(), host.data(), 40, to_device), cudaSuccess);
  EXPECT_EQ(cudaMemset(host.data(), 0, 40), cudaErrorInvalidValue);
  EXPECT_EQ(cudaFree(host.data()), cudaErrorInvalidValue);
  EXPECT_EQ(cudaGetLastError(), cudaErrorInvalidValue);
}

TEST(check_allocation, says_what_was_asked_held_and_free) {
  const keep_options kept;
  emulator::option.device_memory = device_memory::used() + (std::size_t(3) << 20);
  void* memory = nullptr;
  const std::size_t asked = std::size_t(5) << 20;
  try {
    check_allocation(cudaMalloc(&memory, asked), "cudaMalloc", asked, std::size_t(1) << 19);
    FAIL() << "there is not so much memory";
  } catch (const cuda_out_of_memory& e) {
    EXPECT_EQ(e.asked(), asked);
    EXPECT_EQ(e.call(), "cudaMalloc");
    EXPECT_THAT(e.what(), testing::StartsWith("cudaMalloc: out of device memory: 5.0 MiB asked "
                                              "for, 0.5 MiB held by prefopt, 3.0 MiB free of "));
    EXPECT_THAT(e.what(), testing::HasSubstr("lower the number of pairs"));
  }
  EXPECT_EQ(cudaGetLastError(), cudaSuccess);
}

TEST(check, names_the_call) {
  try {
    check(cudaSetDevice(7), "cudaSetDevice");
    FAIL() << "there is no such device";
  } catch (const cuda_error& e) {
    EXPECT_STREQ(e.what(), "cudaSetDevice: invalid device ordinal (cudaErrorInvalidDevice)");
  }
  EXPECT_EQ(cudaGetLastError(), cudaErrorInvalidDevice);
  EXPECT_THROW(check(CUBLAS_STATUS_NOT_SUPPORTED, "cublasLtMatmul"), cuda_error);
  check(cudaSuccess, "cudaMalloc");
  check(CUBLAS_STATUS_SUCCESS, "cublasLtMatmul");
}

}  // namespace
}  // namespace prefopt::gpu::test
