#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <future>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>

#include <cuda_runtime.h>
#include <nccl.h>

#include <prefopt/core/communicator.hpp>
#include <prefopt/core/error.hpp>
#include <prefopt/core/nccl_place.hpp>
#include <prefopt/core/nccl_staging.hpp>

namespace prefopt {

struct nccl_options {
  std::size_t piece_bytes = std::size_t{32} << 20U;  ///< of arrays that pass the device at once
  double patience = 1800.0;  ///< seconds that a rank waits for another before it throws
};

/// Ranks with a GPU each, the device that is current when the object is made. Arrays may lie
/// anywhere, in managed memory or the host's: they pass through two buffers of `piece_bytes` on the
/// device, one of which is filled and emptied while NCCL adds up the other. What computes the
/// arrays on the device must be done before. One thread, the one that made the object, calls it.
///
/// `sum` is ncclReduceScatter, `sum_shares`, and then ncclAllGather, `gather_shares`: so each sum
/// is made once and copied, and all ranks have its bits. NCCL alone chooses the order of additions,
/// by the number of ranks, how they are connected and the size of the array, and promises no more.
///
/// A rank that throws, or leaves the object by an exception, aborts NCCL's communicator (as does
/// `abort`). Others throw `nccl_error` as soon as NCCL tells them, which it does where the
/// connection is one of a network; or the program that started the ranks ends them, as torchrun
/// does, and srun with --kill-on-bad-exit; or else they throw after `patience`.
class nccl_communicator {
 public:
  explicit nccl_communicator(const nccl_place& place, nccl_options options = {})
      : nccl_communicator(place.rank, place.size, options) {
    // What is above is whole: an error below lets the destructor clean up.
    if (rank_ >= size_) throw usage_error("nccl_communicator: the rank is not below the size");
    staging_.emplace(size_ * share_bytes());
    join(place.id);
  }
  nccl_communicator(const nccl_communicator&) = delete;
  nccl_communicator& operator=(const nccl_communicator&) = delete;
  ~nccl_communicator() {
    if (begun_.valid()) begun_.wait();
    if (std::uncaught_exceptions() > exceptions_) broken_ = true;
    leave();  // before the buffers are freed, which waits for what is under way
  }

  void sum(std::span<double> values) { after_begun(values, work::sum); }
  void sum(std::span<float> values) { after_begun(values, work::sum); }
  [[nodiscard]] std::size_t rank() const { return rank_; }
  [[nodiscard]] std::size_t size() const { return size_; }
  void sum_shares(std::span<float> values) { after_begun(values, work::sum_shares); }
  void gather_shares(std::span<float> values) { after_begun(values, work::gather_shares); }

  /// Each sum is made by a thread of its own, after the one before it. Other calls first wait for
  /// what was begun.
  void begin_sum_shares(std::span<float> values) {
    begun_ = std::async(std::launch::async, [this, values, before = std::move(begun_)]() mutable {
      if (before.valid()) before.get();
      staging_->use_device();
      in_rounds(values, work::sum_shares);
    });
  }
  void finish_sums() {
    if (begun_.valid()) begun_.get();
  }

  void broadcast(std::span<std::byte> bytes, std::size_t root) {
    if (size_ == 1) return;
    finish_sums();
    const std::size_t step = staging_->bytes();
    const auto piece = [&](std::size_t i) {
      return bytes.subspan(i * step, std::min(step, bytes.size() - i * step));
    };
    in_pieces((bytes.size() + step - 1) / step,
              [&](const lane& l, std::size_t i) {
                if (rank_ == root) l.copy(l.buffer, piece(i).data(), piece(i).size());
              },
              [&](const lane& l, std::size_t i) {
                settle(ncclBroadcast(l.buffer, l.buffer, piece(i).size(), ncclUint8,
                                     static_cast<int>(root), ranks_, staging_->stream()),
                       "ncclBroadcast");
              },
              [&](const lane& l, std::size_t i) {
                if (rank_ != root) l.copy(piece(i).data(), l.buffer, piece(i).size());
              });
  }

  /// Waits until every rank has called this; false where one has not after so many seconds: then
  /// only `abort` or the destructor may follow.
  bool meet(double seconds) {
    const double usual = std::exchange(options_.patience, seconds);
    try {
      float one = 1.0F;
      sum(std::span<float>(&one, 1));
    } catch (const nccl_error&) {
      return false;
    }
    options_.patience = usual;
    return true;
  }

  /// Prints the message with the rank's number and ends this process with the exit code, and so the
  /// others (see above). What all ranks meet at once (a file that is not there) is told by rank 0
  /// alone, where it ends the others within the second that they wait.
  [[noreturn]] void abort(const std::string& message, int code = 1) {
    if (rank_ != 0) std::this_thread::sleep_for(std::chrono::seconds(1));
    if (size_ > 1) {
      std::fprintf(stderr, "rank %zu of %zu: %s\n", rank_, size_, message.c_str());
    } else {
      std::fprintf(stderr, "%s\n", message.c_str());
    }
    std::fflush(stderr);
    broken_ = true;
    leave();
    std::_Exit(code);
  }

 private:
  enum class work { sum, sum_shares, gather_shares };
  using clock = std::chrono::steady_clock;
  using lane = detail::nccl_staging::lane;

  nccl_communicator(std::size_t rank, std::size_t size, nccl_options options)
      : exceptions_(std::uncaught_exceptions()), rank_(rank), size_(size), options_(options) {}

  /// Calls that do not block: so a rank that never comes is noticed.
  void join(const ncclUniqueId& id) {
    ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
    config.blocking = 0;
    settle(ncclCommInitRankConfig(&ranks_, static_cast<int>(size_), id, static_cast<int>(rank_),
                                  &config),
           "ncclCommInitRankConfig");
    broken_ = false;
  }

  void leave() noexcept {
    const ncclComm_t ranks = std::exchange(ranks_, nullptr);
    if (ranks == nullptr) return;
    try {
      if (!broken_) {
        settle(ranks, ncclCommFinalize(ranks), "ncclCommFinalize");
        (void)ncclCommDestroy(ranks);
        return;
      }
    } catch (const nccl_error&) {  // there is nobody to tell
    }
    (void)ncclCommAbort(ranks);
  }

  // Places in the buffers. Shares lie side by side with room for the longest of them: NCCL wants
  // equal ones.

  static constexpr std::size_t alignment = 16;  // bytes of the widest load of a thread on the GPU

  [[nodiscard]] std::size_t share_bytes() const {
    return std::max(alignment, options_.piece_bytes / size_ / alignment * alignment);
  }

  /// The part of a rank's share that a round moves: at most `room` numbers, from place `at` of it.
  template <class Real>
  std::span<Real> part(std::span<Real> values, std::size_t rank, std::size_t at,
                       std::size_t room) const {
    const rank_share share = share_of(values.size(), rank, size_);
    const std::size_t begin = std::min(share.begin + at, share.end);
    return values.subspan(begin, std::min(room, share.end - begin));
  }

  template <class Real>
  void after_begun(std::span<Real> values, work what) {
    finish_sums();
    in_rounds(values, what);
  }

  template <class Real>
  void in_rounds(std::span<Real> values, work what) {
    if (size_ == 1) return;
    const std::size_t longest = share_of(values.size(), 0, size_).size();
    const std::size_t room = share_bytes() / sizeof(Real);
    // Numbers of each share that a round moves, rounded up to whole lines.
    const auto width = [&](std::size_t i) {
      constexpr std::size_t line = alignment / sizeof(Real);
      return std::min(room, (longest - i * room + line - 1) / line * line);
    };
    const auto copy_parts = [&](const lane& l, std::size_t i, bool own, bool others, bool in) {
      for (std::size_t r = 0; r < size_; ++r) {
        if (r == rank_ ? !own : !others) continue;
        const std::span<Real> values_of_r = part(values, r, i * room, room);
        std::byte* const place = l.buffer + r * width(i) * sizeof(Real);
        l.copy(in ? place : static_cast<void*>(values_of_r.data()),
               in ? static_cast<const void*>(values_of_r.data()) : place, values_of_r.size_bytes());
      }
    };
    in_pieces((longest + room - 1) / room,
              [&](const lane& l, std::size_t i) {
                copy_parts(l, i, true, what != work::gather_shares, true);
              },
              [&](const lane& l, std::size_t i) {
                Real* const all = reinterpret_cast<Real*>(l.buffer);
                if (what != work::gather_shares) reduce_scatter(all, width(i));
                if (what != work::sum_shares) all_gather(all, width(i));
              },
              [&](const lane& l, std::size_t i) {
                copy_parts(l, i, what != work::gather_shares, what != work::sum_shares, false);
              });
  }

  template <class Real>
  static constexpr ncclDataType_t type = std::is_same_v<Real, double> ? ncclFloat64 : ncclFloat32;

  template <class Real>
  void reduce_scatter(Real* all, std::size_t width) {
    settle(ncclReduceScatter(all, all + rank_ * width, width, type<Real>, ncclSum, ranks_,
                             staging_->stream()),
           "ncclReduceScatter");
  }
  template <class Real>
  void all_gather(Real* all, std::size_t width) {
    settle(ncclAllGather(all + rank_ * width, all, width, type<Real>, ranks_, staging_->stream()),
           "ncclAllGather");
  }

  template <class Fill, class Exchange, class Empty>
  void in_pieces(std::size_t pieces, Fill&& fill, Exchange&& exchange, Empty&& empty) {
    if (broken_) throw nccl_error("NCCL: a call failed before, the ranks are apart");
    broken_ = true;  // unless all of this succeeds
    try {
      staging_->pass(pieces, fill, exchange, empty, [&](const auto& is_over) {
        wait([&](ncclResult_t) { return is_over(); }, "an exchange of NCCL", ranks_);
      });
    } catch (...) {
      leave();  // now: whoever frees memory of the device waits for what NCCL still does there
      throw;
    }
    broken_ = false;
  }

  /// Waits for the end of a call of NCCL that may go on in the background: what it asked for is in
  /// its stream then.
  void settle(ncclComm_t ranks, ncclResult_t status, const char* call) const {
    if (status != ncclInProgress) return detail::check_nccl(status, call, ranks);
    wait([&](ncclResult_t state) { return state == ncclSuccess; }, call, ranks);
  }
  void settle(ncclResult_t status, const char* call) const { settle(ranks_, status, call); }

  /// Asks NCCL for its state, which may be an error of another rank, until condition(state).
  template <class Condition>
  void wait(Condition&& condition, const char* what, ncclComm_t ranks) const {
    const auto end = clock::now() + std::chrono::duration<double>(options_.patience);
    for (;;) {
      ncclResult_t state = ncclSuccess;
      detail::check_nccl(ncclCommGetAsyncError(ranks, &state), "ncclCommGetAsyncError", ranks);
      if (state != ncclInProgress) detail::check_nccl(state, what, ranks);
      if (condition(state)) return;
      if (clock::now() >= end) {
        throw nccl_error(std::string(what) + ": another rank has not come in " +
                         std::to_string(options_.patience) + " seconds");
      }
      std::this_thread::sleep_for(std::chrono::microseconds(20));
    }
  }

  int exceptions_;
  std::size_t rank_;
  std::size_t size_;
  nccl_options options_;
  ncclComm_t ranks_ = nullptr;
  std::optional<detail::nccl_staging> staging_;
  bool broken_ = true;  // until all have joined, and after an error
  std::future<void> begun_;
};
static_assert(overlapping_communicator<nccl_communicator>);

}  // namespace prefopt
