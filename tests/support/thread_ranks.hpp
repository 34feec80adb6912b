#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <cstring>
#include <exception>
#include <limits>
#include <mutex>
#include <span>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <prefopt/core/communicator.hpp>

namespace prefopt::test {

/// What the threads of `run_ranks` share.
class rank_group {
 public:
  explicit rank_group(std::size_t size) : arrays(size), lengths(size), size_(size) {}

  /// Waits for all ranks; throws where one has ended.
  void meet() {
    std::unique_lock lock(mutex_);
    if (broken_) throw std::runtime_error("another rank ended");
    const std::size_t round = round_;
    if (++waiting_ == size_) {
      waiting_ = 0;
      ++round_;
      changed_.notify_all();
      return;
    }
    changed_.wait(lock, [&] { return round_ != round || broken_; });
    if (round_ == round) throw std::runtime_error("another rank ended");
  }

  /// A rank has ended by an exception; of several, the first counts.
  void end(std::exception_ptr problem) {
    const std::lock_guard lock(mutex_);
    if (!problem_) problem_ = std::move(problem);
    broken_ = true;
    changed_.notify_all();
  }

  [[nodiscard]] std::exception_ptr problem() const { return problem_; }

  std::vector<void*> arrays;  // of every rank, in the call that is going on
  std::vector<std::size_t> lengths;

 private:
  std::size_t size_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t waiting_ = 0;
  std::size_t round_ = 0;
  bool broken_ = false;
  std::exception_ptr problem_;
};

/// One of several ranks that are threads of this process.
class thread_rank {
 public:
  thread_rank(rank_group& group, std::size_t rank, std::size_t size)
      : group_(&group), rank_(rank), size_(size) {}

  [[nodiscard]] std::size_t rank() const { return rank_; }
  [[nodiscard]] std::size_t size() const { return size_; }
  void sum(std::span<double> values) { sum_all(values); }
  void sum(std::span<float> values) { sum_all(values); }

  void sum_shares(std::span<float> values) {
    open(values.data(), values.size());
    const rank_share own = share_of(values.size(), rank_, size_);
    std::vector<float> totals;
    for (std::size_t i = own.begin; i < own.end; ++i) totals.push_back(total<float>(i));
    group_->meet();
    // What is unspecified is NaN here, so that a test notices who reads it.
    std::fill(values.begin(), values.end(), std::numeric_limits<float>::quiet_NaN());
    for (std::size_t i = own.begin; i < own.end; ++i) values[i] = totals[i - own.begin];
    group_->meet();
  }

  /// What is begun is taken as it is, and is NaN until it is finished, so that a test notices who
  /// still changes it.
  void begin_sum_shares(std::span<float> values) {
    begun_.push_back({values, {values.begin(), values.end()}});
    std::fill(values.begin(), values.end(), std::numeric_limits<float>::quiet_NaN());
  }
  void finish_sums() {
    for (auto& [values, taken] : std::exchange(begun_, {})) {
      sum_shares(taken);
      std::copy(taken.begin(), taken.end(), values.begin());
    }
  }

  void gather_shares(std::span<float> values) {
    open(values.data(), values.size());
    for (std::size_t r = 0; r < size_; ++r) {
      const rank_share share = share_of(values.size(), r, size_);
      if (r == rank_) continue;
      const auto* const from = static_cast<const float*>(group_->arrays[r]);
      for (std::size_t i = share.begin; i < share.end; ++i) values[i] = from[i];
    }
    group_->meet();
  }

  /// Waits for all ranks.
  void meet() { group_->meet(); }

  void broadcast(std::span<std::byte> bytes, std::size_t root) {
    open(bytes.data(), bytes.size());
    if (rank_ != root && !bytes.empty()) {
      std::memcpy(bytes.data(), group_->arrays[root], bytes.size());
    }
    group_->meet();
  }

 private:
  void open(void* array, std::size_t length) {
    group_->arrays[rank_] = array;
    group_->lengths[rank_] = length;
    group_->meet();
    if (length != group_->lengths[0]) {
      throw std::logic_error("rank " + std::to_string(rank_) + " has " + std::to_string(length) +
                             " values, rank 0 has " + std::to_string(group_->lengths[0]));
    }
  }

  template <class Real>
  Real total(std::size_t i) const {
    Real sum = static_cast<const Real*>(group_->arrays[0])[i];
    for (std::size_t r = 1; r < size_; ++r) sum += static_cast<const Real*>(group_->arrays[r])[i];
    return sum;
  }

  template <class Real>
  void sum_all(std::span<Real> values) {
    open(values.data(), values.size());
    std::vector<Real> totals;
    for (std::size_t i = 0; i < values.size(); ++i) totals.push_back(total<Real>(i));
    group_->meet();
    std::copy(totals.begin(), totals.end(), values.begin());
  }

  rank_group* group_;
  std::size_t rank_;
  std::size_t size_;
  std::vector<std::pair<std::span<float>, std::vector<float>>> begun_;
};
static_assert(overlapping_communicator<thread_rank>);

/// Calls `body(rank)` on `size` threads, which are each other's ranks; throws what the first that
/// failed threw.
template <class Body>
void run_ranks(std::size_t size, Body&& body) {
  rank_group group(size);
  std::vector<std::thread> threads;
  for (std::size_t r = 0; r < size; ++r) {
    threads.emplace_back([&, r] {
      try {
        thread_rank rank(group, r, size);
        body(rank);
      } catch (...) {
        group.end(std::current_exception());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  if (group.problem()) std::rethrow_exception(group.problem());
}

}  // namespace prefopt::test
