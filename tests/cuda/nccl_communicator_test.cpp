#include <prefopt/core/nccl_communicator.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <span>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cuda_runtime.h>
#include <unistd.h>

#include <prefopt/core/local_rank.hpp>
#include <prefopt/core/rank_environment.hpp>
#include <prefopt/loss/presets.hpp>
#include <prefopt/train/adamw.hpp>
#include <prefopt/train/preference_trainer.hpp>
#include <prefopt/train/sharded.hpp>

#include <emulator/testing.hpp>
#include "support/thread_ranks.hpp"
#include "train/bigram_model.hpp"
#include "train/small_data.hpp"

// Ranks are threads with a device each, NCCL is the emulator's. That CUDA's models are trained so
// is shown by processes (check_ranks.py): a process has one device.

namespace prefopt {
namespace {

using emulator::in_every_order;
using emulator::keep_options;
using emulator::stream_order;

constexpr nccl_options small_pieces{.piece_bytes = 256, .patience = 60.0};

/// Calls body(ranks) on so many ranks; throws what the first that failed threw.
template <class Body>
void run_nccl(std::size_t size, Body&& body, nccl_options options = small_pieces) {
  const keep_options kept;
  emulator::option.devices = static_cast<int>(size);
  test::run_ranks(size, [&](test::thread_rank& threads) {
    ASSERT_EQ(cudaSetDevice(static_cast<int>(threads.rank())), cudaSuccess);
    nccl_communicator ranks(nccl_place_among(threads), options);
    body(ranks);
  });
}

/// What each rank threw; empty where it did not.
std::vector<std::string> problems_of(std::size_t size,
                                     const std::function<void(nccl_communicator&)>& body,
                                     nccl_options options = small_pieces) {
  std::vector<std::string> found(size);
  run_nccl(
      size,
      [&](nccl_communicator& ranks) {
        const std::size_t rank = ranks.rank();
        try {
          body(ranks);
        } catch (const nccl_error& problem) {
          found[rank] = problem.what();
        }
      },
      options);
  return found;
}

/// Whole numbers, of which sums are exact in any order.
template <class Real>
Real number_of(std::size_t rank, std::size_t i) {
  return static_cast<Real>((i * 7 + rank * 13) % 101);
}
template <class Real>
Real expected_of(std::size_t size, std::size_t i) {
  Real sum = 0;
  for (std::size_t r = 0; r < size; ++r) sum += number_of<Real>(r, i);
  return sum;
}

/// Numbers of which sums depend on the order.
std::vector<float> fractions_of(std::size_t rank, std::size_t count) {
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count; ++i) {
    values[i] = static_cast<float>(i % 1000 + 1) / static_cast<float>(7 * rank + 3);
  }
  return values;
}

template <class Real>
void expect_sums(nccl_communicator& ranks) {
  // None, fewer than ranks, a piece and a number more or less, many pieces.
  for (const std::size_t count : {0U, 1U, 3U, 63U, 64U, 65U, 1003U}) {
    std::vector<Real> values(count);
    for (std::size_t i = 0; i < count; ++i) values[i] = number_of<Real>(ranks.rank(), i);
    ranks.sum(std::span<Real>(values));
    for (std::size_t i = 0; i < count; ++i) {
      ASSERT_EQ(values[i], expected_of<Real>(ranks.size(), i)) << i << " of " << count;
    }
  }
}

TEST(nccl_communicator, adds) {
  for (const auto streams :
       {stream_order::lazy, stream_order::others_first, stream_order::random}) {
    const keep_options kept;
    emulator::option.streams = streams;
    for (const std::size_t size : {1U, 2U, 3U, 4U}) {
      run_nccl(size, [&](nccl_communicator& ranks) {
        EXPECT_EQ(ranks.size(), size);
        expect_sums<float>(ranks);
        expect_sums<double>(ranks);
      });
    }
  }
}

TEST(nccl_communicator, adds_what_is_larger_than_its_usual_pieces) {
  const std::size_t count = (std::size_t{18} << 20U) + 5;  // 72 MiB
  run_nccl(
      2,
      [&](nccl_communicator& ranks) {
        std::vector<float> values(count, static_cast<float>(ranks.rank() + 1));
        values.back() = 0.5F;
        ranks.sum(std::span<float>(values));
        EXPECT_EQ(values[0], 3.0F);
        EXPECT_EQ(std::count(values.begin(), values.end(), 3.0F), count - 1);
        EXPECT_EQ(values.back(), 1.0F);
      },
      nccl_options{});
}

TEST(nccl_communicator, adds_in_the_background_in_the_order_of_the_calls) {
  for (const std::size_t size : {1U, 2U, 3U}) {
    run_nccl(size, [&](nccl_communicator& ranks) {
      std::vector<std::vector<float>> arrays;
      for (const std::size_t count : {1U, 0U, 517U, 64U}) {
        arrays.push_back(fractions_of(ranks.rank(), count));
      }
      std::vector<std::vector<float>> at_once = arrays;
      for (auto& array : arrays) ranks.begin_sum_shares(array);
      double one = 1.0;
      ranks.sum(std::span<double>(&one, 1));
      EXPECT_EQ(one, static_cast<double>(size)) << "a call between";
      ranks.finish_sums();
      for (std::size_t a = 0; a < arrays.size(); ++a) {
        ranks.sum_shares(at_once[a]);
        const rank_share own = own_share(ranks, arrays[a].size());
        for (std::size_t i = own.begin; i < own.end; ++i) EXPECT_EQ(arrays[a][i], at_once[a][i]);
      }
    });
  }
}

TEST(nccl_communicator, all_ranks_have_the_same_bits_each_time_and_two_halves_are_a_sum) {
  for (const std::size_t size : {2U, 3U, 4U}) {
    std::vector<std::vector<float>> sums(size);
    run_nccl(size, [&](nccl_communicator& ranks) {
      std::vector<float> whole = fractions_of(ranks.rank(), 517);
      std::vector<float> halves = whole;
      std::vector<float> again = whole;
      ranks.sum(std::span<float>(whole));
      ranks.sum_shares(halves);
      const rank_share own = own_share(ranks, halves.size());
      for (std::size_t i = own.begin; i < own.end; ++i) EXPECT_EQ(halves[i], whole[i]);
      ranks.gather_shares(halves);
      EXPECT_EQ(halves, whole);
      ranks.sum(std::span<float>(again));
      EXPECT_EQ(again, whole);
      sums[ranks.rank()] = whole;
    });
    for (std::size_t r = 1; r < size; ++r) EXPECT_EQ(sums[r], sums[0]);
    for (std::size_t i = 0; i < sums[0].size(); ++i) {
      double sum = 0.0;
      for (std::size_t r = 0; r < size; ++r) sum += static_cast<double>(fractions_of(r, 517)[i]);
      EXPECT_NEAR(sums[0][i], sum, 1e-5 * sum);
    }
  }
}

TEST(nccl_communicator, adds_managed_memory) {
  in_every_order([] {
    run_nccl(3, [](nccl_communicator& ranks) {
      const std::size_t count = 101;
      void* memory = nullptr;
      ASSERT_EQ(cudaMallocManaged(&memory, count * sizeof(float), cudaMemAttachGlobal),
                cudaSuccess);
      const std::span<float> values(static_cast<float*>(memory), count);
      for (std::size_t i = 0; i < count; ++i) values[i] = number_of<float>(ranks.rank(), i);
      ranks.sum_shares(values);
      ranks.gather_shares(values);
      for (std::size_t i = 0; i < count; ++i) EXPECT_EQ(values[i], expected_of<float>(3, i));
      EXPECT_EQ(cudaFree(memory), cudaSuccess);
    });
  });
}

TEST(nccl_communicator, what_one_rank_has_reaches_all) {
  for (const std::size_t size : {1U, 2U, 4U}) {
    run_nccl(size, [&](nccl_communicator& ranks) {
      for (std::size_t root = 0; root < size; ++root) {
        EXPECT_EQ(broadcast_value(ranks, ranks.rank(), root), root);
        const std::string text(1000 + 7 * ranks.rank(), static_cast<char>('a' + ranks.rank()));
        EXPECT_EQ(broadcast_text(ranks, text, root),
                  std::string(1000 + 7 * root, static_cast<char>('a' + root)));
      }
      const std::vector<double> own{static_cast<double>(ranks.rank()), 0.5};
      const std::vector<double> all = gathered(ranks, std::span<const double>(own));
      for (std::size_t r = 0; r < size; ++r) {
        EXPECT_EQ(all[2 * r], static_cast<double>(r));
        EXPECT_EQ(all[2 * r + 1], 0.5);
      }
      EXPECT_EQ(local_rank(ranks), ranks.rank());
    });
  }
}

TEST(nccl_communicator, ranks_meet_or_do_not) {
  run_nccl(3, [](nccl_communicator& ranks) { EXPECT_TRUE(ranks.meet(60.0)); });
  std::atomic<bool> gone = false;
  run_nccl(2, [&](nccl_communicator& ranks) {
    if (ranks.rank() == 0) {
      EXPECT_FALSE(ranks.meet(0.2));
      gone = true;
    }
    while (!gone) std::this_thread::yield();
  });
}

TEST(nccl_communicator, a_rank_that_throws_ends_the_others) {
  std::vector<std::string> seen(3);
  const auto began = std::chrono::steady_clock::now();
  try {
    run_nccl(3, [&](nccl_communicator& ranks) {
      const std::size_t rank = ranks.rank();
      std::vector<float> values(1000);
      if (rank == 1) {
        ranks.sum(std::span<float>(values));
        throw std::runtime_error("rank 1 has no disk");
      }
      try {  // maybe in the first sum already: rank 1 may be done with it before the others are
        for (;;) ranks.sum(std::span<float>(values));
      } catch (const nccl_error& problem) {
        seen[rank] = problem.what();
      }
    });
    FAIL() << "nothing was thrown";
  } catch (const std::runtime_error& problem) {
    EXPECT_STREQ(problem.what(), "rank 1 has no disk");
  }
  for (const std::size_t rank : {0U, 2U}) {
    EXPECT_THAT(seen[rank], testing::HasSubstr("another rank aborted")) << rank;
  }
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(20));
}

TEST(nccl_communicator, a_rank_that_stays_away_is_given_up) {
  std::atomic<bool> given_up = false;
  const auto found = problems_of(2,
                                 [&](nccl_communicator& ranks) {
                                   double one = 1.0;
                                   if (ranks.rank() == 1) {
                                     while (!given_up) std::this_thread::yield();
                                     return;
                                   }
                                   EXPECT_THROW(ranks.sum(std::span<double>(&one, 1)), nccl_error);
                                   given_up = true;
                                   ranks.sum(std::span<double>(&one, 1));
                                 },
                                 {.piece_bytes = 256, .patience = 0.3});
  EXPECT_EQ(found[0], "NCCL: a call failed before, the ranks are apart");
  EXPECT_EQ(found[1], "");
}

TEST(nccl_communicator, says_that_a_rank_stayed_away) {
  single_process alone;
  nccl_place place = nccl_place_among(alone);
  place.size = 2;
  try {
    const nccl_communicator ranks(place, {.piece_bytes = 256, .patience = 0.2});
    FAIL() << "there is no second rank";
  } catch (const nccl_error& problem) {
    EXPECT_THAT(problem.what(),
                testing::StartsWith("ncclCommInitRankConfig: another rank has not come in 0.2"));
  }
  place.rank = 2;
  EXPECT_THROW(nccl_communicator{place}, usage_error);
}

TEST(nccl_communicator, a_call_that_fails_is_named) {
  const auto found = problems_of(2, [](nccl_communicator& ranks) {
    double joined = 1.0;
    ranks.sum(std::span<double>(&joined, 1));  // or the other might still be joining
    std::vector<std::byte> one(1);
    if (ranks.rank() == 0) ranks.broadcast(one, 2);
  });
  EXPECT_THAT(found[0], testing::HasSubstr("root 2 is no rank"));

  const keep_options kept;
  emulator::option.device_memory = emulator::device_memory::used() + 1000;
  single_process alone;
  try {
    const nccl_communicator ranks(nccl_place_among(alone));
    FAIL() << "there is not so much memory";
  } catch (const nccl_error& problem) {
    EXPECT_STREQ(problem.what(), "cudaMalloc: out of memory (cudaErrorMemoryAllocation)");
  }
  EXPECT_EQ(cudaGetLastError(), cudaSuccess);
}

TEST(nccl_communicator, leaves_no_error_and_no_memory_behind) {
  const std::size_t used = emulator::device_memory::used();
  run_nccl(2, [](nccl_communicator& ranks) {
    double one = 1.0;
    ranks.sum(std::span<double>(&one, 1));
    EXPECT_EQ(cudaGetLastError(), cudaSuccess) << "a kernel's launch would report it";
  });
  EXPECT_EQ(emulator::device_memory::used(), used);
}

TEST(nccl_communicator, ranks_need_a_device_each) {
  test::run_ranks(2, [](test::thread_rank& threads) {
    try {
      const nccl_communicator ranks(nccl_place_among(threads), small_pieces);
      FAIL() << "both have device 0";
    } catch (const nccl_error& problem) {
      EXPECT_THAT(problem.what(), testing::ContainsRegex("invalid usage.*Duplicate GPU"));
    }
  });
}

TEST(nccl_communicator, joins_by_what_torchrun_says) {
  const keep_options kept;
  emulator::option.devices = 2;
  const auto port = static_cast<std::uint16_t>(20000 + getpid() % 10000);
  std::vector<nccl_place> places;
  for (const std::size_t rank : {0U, 1U}) {
    places.push_back(nccl_place_of({rank, 2, rank, "localhost", port}));
  }
  EXPECT_EQ(std::getenv("NCCL_COMM_ID"), "localhost:" + std::to_string(port));
  test::run_ranks(2, [&](test::thread_rank& threads) {
    ASSERT_EQ(cudaSetDevice(static_cast<int>(threads.rank())), cudaSuccess);
    nccl_communicator ranks(places[threads.rank()], small_pieces);
    EXPECT_EQ(broadcast_text(ranks, std::to_string(ranks.rank()), 1), "1");
  });
  unsetenv("NCCL_COMM_ID");
}

TEST(nccl_communicator, abort_says_why_and_exits) {
  single_process alone;
  nccl_communicator ranks(nccl_place_among(alone), small_pieces);
  EXPECT_EXIT(ranks.abort("no such file", 3), testing::ExitedWithCode(3), "no such file");
}

/// Trains on so many ranks, or alone; gives the weights.
template <communicator Communicator>
std::vector<float> train(Communicator& ranks) {
  training_options options = test::quiet_options();
  options.epochs = 2;
  options.batch_size = 7;
  options.max_gradient_norm = 0.5;
  const preference_dataset data = test::small_data(10, 3, 9);
  test::bigram_model model(9);
  preference_trainer trainer(model, data, odpo(0.5, 0.5), options);
  sharded optimizer(adamw(adamw_options{.weight_decay = 0.1}), ranks);
  trainer.train(optimizer, ranks);
  return model.weights();
}

TEST(nccl_communicator, ranks_train_as_one_process_does) {
  single_process alone;
  const std::vector<float> expected = train(alone);
  for (const std::size_t size : {1U, 2U, 4U}) {
    std::vector<std::vector<float>> weights(size);
    run_nccl(size, [&](nccl_communicator& ranks) { weights[ranks.rank()] = train(ranks); });
    for (std::size_t r = 1; r < size; ++r) EXPECT_EQ(weights[r], weights[0]) << "rank " << r;
    ASSERT_EQ(weights[0].size(), expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) {
      EXPECT_NEAR(weights[0][i], expected[i], 1e-5) << size << " ranks";
    }
  }
}

}  // namespace
}  // namespace prefopt
