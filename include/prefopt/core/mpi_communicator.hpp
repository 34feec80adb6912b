#pragma once

#include <mpi.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <span>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include <prefopt/core/communicator.hpp>
#include <prefopt/core/error.hpp>

namespace prefopt {

/// A call of MPI that failed; the message names it.
class mpi_error : public error {
  using error::error;
};

/// Processes that `mpirun` (or Slurm's `srun`) started, on one machine or several. An object
/// initializes MPI, unless the program did, and finalizes it then; it lives in `main`, and one
/// thread, the one that made it, calls it. An exception that passes its end ends all ranks.
///
/// Sums are not MPI_Allreduce's, which may add in an order of its own: each rank adds its share of
/// the numbers in the order of ranks and sends the result to the others. It is the same traffic.
class mpi_communicator {
 public:
  mpi_communicator() : exceptions_(std::uncaught_exceptions()) {
    int there = 0;
    check(MPI_Initialized(&there), "MPI_Initialized");
    if (there == 0) {
      int threads = 0;  // the other threads compute and know nothing of MPI
      check(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &threads), "MPI_Init_thread");
      finalizes_ = true;
      if (threads < MPI_THREAD_FUNNELED) {
        throw mpi_error("MPI_Init_thread: this MPI allows no threads beside its own");
      }
    }
    check(MPI_Comm_dup(MPI_COMM_WORLD, &handle_), "MPI_Comm_dup");
    check(MPI_Comm_set_errhandler(handle_, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
    int number = 0;
    check(MPI_Comm_rank(handle_, &number), "MPI_Comm_rank");
    rank_ = static_cast<std::size_t>(number);
    check(MPI_Comm_size(handle_, &number), "MPI_Comm_size");
    size_ = static_cast<std::size_t>(number);
  }
  mpi_communicator(const mpi_communicator&) = delete;
  mpi_communicator& operator=(const mpi_communicator&) = delete;
  ~mpi_communicator() {
    if (std::uncaught_exceptions() > exceptions_) abort("ended by an exception");
    MPI_Comm_free(&handle_);
    if (finalizes_) MPI_Finalize();
  }

  void sum(std::span<double> values) { sum_all(values); }
  void sum(std::span<float> values) { sum_all(values); }
  [[nodiscard]] std::size_t rank() const { return rank_; }
  [[nodiscard]] std::size_t size() const { return size_; }
  void sum_shares(std::span<float> values) { add_shares(values); }
  /// MPI moves messages on in calls of it, so a sum that was begun goes on with the next that is.
  void begin_sum_shares(std::span<float> values) {
    if (size_ == 1) return;
    if (values.size() > most_begun) {  // room for it would be as large
      add_shares(values);
      return;
    }
    begun_sum begun{part_of(values, rank_), std::vector<std::vector<float>>(size_)};
    for (std::size_t r = 0; r < size_; ++r) {
      if (r == rank_) continue;
      begun.received[r].resize(begun.own.size());
      receive(std::span<float>(begun.received[r]), r, begun_requests_);
      send(part_of(values, r), r, begun_requests_);
    }
    begun_.push_back(std::move(begun));
  }
  void finish_sums() {
    wait(begun_requests_);
    for (begun_sum& sum : begun_) {
      sum.received[rank_].assign(sum.own.begin(), sum.own.end());
      add(std::span<const std::vector<float>>(sum.received), sum.own);
    }
    begun_.clear();
  }
  void gather_shares(std::span<float> values) { exchange_shares(values); }

  void broadcast(std::span<std::byte> bytes, std::size_t root) {
    constexpr std::size_t piece = std::size_t{1} << 30U;  // MPI counts in int
    for (std::size_t begin = 0; begin < bytes.size(); begin += piece) {
      const std::size_t count = std::min(piece, bytes.size() - begin);
      check(MPI_Bcast(bytes.data() + begin, static_cast<int>(count), MPI_BYTE,
                      static_cast<int>(root), handle_),
            "MPI_Bcast");
    }
  }

  /// Waits until every rank has called this; false where one has not after so many seconds: then
  /// only `abort` may follow.
  bool meet(double seconds) {
    MPI_Request request = MPI_REQUEST_NULL;
    check(MPI_Ibarrier(handle_, &request), "MPI_Ibarrier");
    const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
    for (;;) {
      int done = 0;
      check(MPI_Test(&request, &done, MPI_STATUS_IGNORE), "MPI_Test");
      if (done != 0) return true;
      if (std::chrono::steady_clock::now() >= end) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }

  /// Prints the message with the rank's number and ends every rank with this exit code. What all
  /// ranks meet at once (a file that is not there) is told by rank 0 alone: the others wait a
  /// second, in which it ends them.
  [[noreturn]] void abort(const std::string& message, int code = 1) const {
    if (rank_ != 0) std::this_thread::sleep_for(std::chrono::seconds(1));
    if (size_ > 1) {
      std::fprintf(stderr, "rank %zu of %zu: %s\n", rank_, size_, message.c_str());
    } else {
      std::fprintf(stderr, "%s\n", message.c_str());
    }
    std::fflush(stderr);
    MPI_Abort(MPI_COMM_WORLD, code);
    std::_Exit(code);
  }

 private:
  static void check(int status, const char* call) {
    if (status == MPI_SUCCESS) return;
    char text[MPI_MAX_ERROR_STRING] = "unknown error";
    int length = 0;
    MPI_Error_string(status, text, &length);
    throw mpi_error(std::string(call) + ": " + text);
  }

  template <class Real>
  static MPI_Datatype type() {
    return std::is_same_v<Real, double> ? MPI_DOUBLE : MPI_FLOAT;
  }

  /// A rank's share.
  template <class Real>
  std::span<Real> part_of(std::span<Real> values, std::size_t rank) const {
    const rank_share share = share_of(values.size(), rank, size_);
    return values.subspan(share.begin, share.size());
  }
  /// The part of it that a round moves: at most `piece` numbers, from place `at` of the share.
  template <class Real>
  std::span<Real> part(std::span<Real> values, std::size_t rank, std::size_t at) const {
    const rank_share share = share_of(values.size(), rank, size_);
    const std::size_t begin = std::min(share.begin + at, share.end);
    return values.subspan(begin, std::min(piece, share.end - begin));
  }
  /// Calls f(place in a share) for every round.
  template <class F>
  void for_each_round(std::size_t count, F&& f) const {
    const std::size_t longest = share_of(count, 0, size_).size();
    for (std::size_t at = 0; at < longest; at += piece) f(at);
  }

  template <class Real>
  void add_shares(std::span<Real> values) {
    std::vector<std::vector<Real>> received(size_);
    for_each_round(values.size(), [&](std::size_t at) {
      const std::span<Real> own = part(values, rank_, at);
      for (std::size_t r = 0; r < size_; ++r) {
        if (r == rank_) continue;
        received[r].resize(own.size());
        receive(std::span<Real>(received[r]), r, requests_);
        send(part(values, r, at), r, requests_);
      }
      received[rank_].assign(own.begin(), own.end());
      wait(requests_);
      add(std::span<const std::vector<Real>>(received), own);
    });
  }

  /// The sums of what the ranks have, in their order.
  template <class Real>
  void add(std::span<const std::vector<Real>> received, std::span<Real> sums) const {
    for (std::size_t i = 0; i < sums.size(); ++i) {
      Real total = received[0][i];
      for (std::size_t r = 1; r < size_; ++r) total += received[r][i];
      sums[i] = total;
    }
  }

  template <class Real>
  void exchange_shares(std::span<Real> values) {
    for_each_round(values.size(), [&](std::size_t at) {
      for (std::size_t r = 0; r < size_; ++r) {
        if (r == rank_) continue;
        receive(part(values, r, at), r, requests_);
        send(part(values, rank_, at), r, requests_);
      }
      wait(requests_);
    });
  }

  template <class Real>
  void sum_all(std::span<Real> values) {
    add_shares(values);
    exchange_shares(values);
  }

  template <class Real>
  void receive(std::span<Real> into, std::size_t from, std::vector<MPI_Request>& requests) {
    if (into.empty()) return;
    requests.push_back(MPI_REQUEST_NULL);
    check(MPI_Irecv(into.data(), static_cast<int>(into.size()), type<Real>(),
                    static_cast<int>(from), 0, handle_, &requests.back()),
          "MPI_Irecv");
  }
  template <class Real>
  void send(std::span<Real> values, std::size_t to, std::vector<MPI_Request>& requests) {
    if (values.empty()) return;
    requests.push_back(MPI_REQUEST_NULL);
    check(MPI_Isend(values.data(), static_cast<int>(values.size()), type<Real>(),
                    static_cast<int>(to), 0, handle_, &requests.back()),
          "MPI_Isend");
  }
  static void wait(std::vector<MPI_Request>& requests) {
    check(MPI_Waitall(static_cast<int>(requests.size()), requests.data(), MPI_STATUSES_IGNORE),
          "MPI_Waitall");
    requests.clear();
  }

  static constexpr std::size_t piece = std::size_t{1} << 20U;       // numbers; bounds the buffers
  static constexpr std::size_t most_begun = std::size_t{1} << 25U;  // numbers of one array

  /// Of one array: this rank's share, and what the others have of it.
  struct begun_sum {
    std::span<float> own;
    std::vector<std::vector<float>> received;  // by rank
  };

  int exceptions_;
  bool finalizes_ = false;
  MPI_Comm handle_ = MPI_COMM_NULL;
  std::size_t rank_ = 0;
  std::size_t size_ = 1;
  std::vector<MPI_Request> requests_;
  std::vector<MPI_Request> begun_requests_;
  std::vector<begun_sum> begun_;
};
static_assert(overlapping_communicator<mpi_communicator>);

}  // namespace prefopt
