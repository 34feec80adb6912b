#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <prefopt/core/communicator.hpp>
#include <prefopt/core/error.hpp>
#include <prefopt/model/language_model.hpp>
#include <prefopt/train/gradient_norm.hpp>
#include <prefopt/train/optimizer.hpp>

namespace prefopt {

/// An optimizer whose memory is spread over ranks: each holds that of its share of every parameter,
/// updates this share alone, and sends the new values to the others (ZeRO's first stage,
/// Rajbhandari et al. 2020). The values are those of the optimizer itself, and so is the
/// checkpoint.
///
///     sharded optimizer(adamw(), ranks);
///     trainer.train(optimizer, ranks);
///
/// The optimizer must remember one number for each trained number, as ours do.
template <optimizer Optimizer, communicator Communicator>
class sharded {
 public:
  /// `ranks` is viewed and must outlive this. The optimizer has made no step.
  sharded(Optimizer optimizer, Communicator& ranks)
      : fresh_(optimizer), own_(std::move(optimizer)), ranks_(&ranks) {}

  /// The norm of all gradients, after `sum_shares` of each: every rank has those of its shares.
  double norm_of_shares(std::span<const parameter> parameters) {
    const double own = gradient_norm_by(own_, shares_of(parameters));
    if (ranks_->size() == 1) return own;
    double square = own * own;
    ranks_->sum(std::span<double>(&square, 1));
    return std::sqrt(square);
  }

  /// Of gradients that are there as `norm_of_shares` says; values are whole afterwards.
  void step(std::span<const parameter> parameters, double rate, float scale = 1.0F) {
    own_.step(shares_of(parameters), rate, scale);
    for (const parameter& p : parameters) ranks_->gather_shares(p.value);
  }

  /// Of this rank's shares.
  [[nodiscard]] std::vector<optimizer_array> state(std::span<const parameter> parameters) {
    return own_.state(shares_of(parameters));
  }
  [[nodiscard]] std::uint64_t steps() const { return own_.steps(); }
  void set_steps(std::uint64_t steps) { own_.set_steps(steps); }
  [[nodiscard]] std::string describe() const { return own_.describe(); }

  /// Calls `save(optimizer)` on the first rank, with the optimizer as one process has it.
  template <class Save>
  void save_whole(std::span<const parameter> parameters, Save&& save) {
    if (ranks_->size() == 1) {
      save(own_);
      return;
    }
    const bool first = ranks_->rank() == 0;
    Optimizer whole = fresh_;
    whole.set_steps(own_.steps());
    std::vector<optimizer_array> all;
    if (first) all = whole.state(parameters);
    for_each_array(parameters, [&](std::size_t i, std::span<float> array, rank_share share,
                                   std::span<float> own) {
      std::copy(own.begin(), own.end(), array.begin() + static_cast<std::ptrdiff_t>(share.begin));
      ranks_->gather_shares(array);
      if (first) std::copy(array.begin(), array.end(), all[i].value.begin());
    });
    if (first) save(whole);
  }

  /// Calls `load(optimizer)` on the first rank, and gives the others their shares of what it loads.
  template <class Load>
  void load_whole(std::span<const parameter> parameters, Load&& load) {
    if (ranks_->size() == 1) {
      load(own_);
      return;
    }
    const bool first = ranks_->rank() == 0;
    Optimizer whole = fresh_;
    std::vector<optimizer_array> all;
    if (first) {
      load(whole);
      all = whole.state(parameters);
    }
    for_each_array(parameters, [&](std::size_t i, std::span<float> array, rank_share share,
                                   std::span<float> own) {
      if (first) std::copy(all[i].value.begin(), all[i].value.end(), array.begin());
      ranks_->broadcast(std::as_writable_bytes(array), 0);
      const auto part = array.subspan(share.begin, share.size());
      std::copy(part.begin(), part.end(), own.begin());
    });
    own_.set_steps(broadcast_value(*ranks_, whole.steps()));
  }

 private:
  /// Of every parameter, this rank's share.
  [[nodiscard]] std::vector<parameter> shares_of(std::span<const parameter> parameters) const {
    std::vector<parameter> shares;
    for (const parameter& p : parameters) {
      const rank_share share = own_share(*ranks_, p.value.size());
      shares.push_back({p.name,
                        {share.size()},
                        p.value.subspan(share.begin, share.size()),
                        p.gradient.subspan(share.begin, share.size()),
                        p.decays});
    }
    return shares;
  }

  /// Calls f(number, room for a whole array, this rank's share, its values) for every array.
  template <class F>
  void for_each_array(std::span<const parameter> parameters, F&& f) {
    const auto own = state(parameters);
    std::vector<float> room;  // of one array at a time
    for (std::size_t i = 0; i < own.size(); ++i) {
      const std::size_t size = parameters[i % parameters.size()].value.size();
      const rank_share share = own_share(*ranks_, size);
      if (own[i].value.size() != share.size()) {
        throw usage_error("sharded: " + own[i].name +
                          " of the optimizer has not one number for each of the parameter's");
      }
      room.resize(size);
      f(i, std::span<float>(room), share, own[i].value);
    }
  }

  Optimizer fresh_;
  Optimizer own_;
  Communicator* ranks_;
};
static_assert(optimizer<sharded<gradient_descent, single_process>>);

}  // namespace prefopt
