#pragma once

#include <cstddef>
#include <span>

#include <prefopt/core/communicator.hpp>
#include <prefopt/model/language_model.hpp>

namespace prefopt::detail {

/// The sum of one step's gradients over all ranks, of which each gets its shares. Parameters are
/// taken from the last to the first, in which order a backward pass finishes them, so that sums of
/// some are under way while the gradients of others are still computed.
template <communicator Communicator>
class gradient_sum {
 public:
  /// Both are viewed.
  gradient_sum(Communicator& ranks, std::span<const parameter> parameters)
      : ranks_(&ranks), parameters_(parameters), left_(parameters.size()) {}

  /// The gradients from parameter `first` on are final.
  void announce(std::size_t first) {
    if constexpr (overlapping_communicator<Communicator>) ranks_->finish_sums();
    while (left_ > first) begin(parameters_[--left_].gradient);
  }

  /// The others are too; returns when all are added. What a rank did not announce is added in the
  /// same order and by the same calls, so that the ranks' calls match.
  void finish() {
    while (left_ > 0) announce(left_ - 1);
    if constexpr (overlapping_communicator<Communicator>) ranks_->finish_sums();
  }

 private:
  void begin(std::span<float> gradient) {
    if constexpr (overlapping_communicator<Communicator>) {
      ranks_->begin_sum_shares(gradient);
    } else {
      ranks_->sum_shares(gradient);
    }
  }

  Communicator* ranks_;
  std::span<const parameter> parameters_;
  std::size_t left_;  // parameters whose sum was not begun
};

}  // namespace prefopt::detail
