#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include <prefopt/core/communicator.hpp>
#include <prefopt/core/error.hpp>
#include <prefopt/core/progress.hpp>
#include <prefopt/model/language_model.hpp>
#include <prefopt/train/gradient_norm.hpp>
#include <prefopt/train/optimizer.hpp>
#include <prefopt/train/run_checkpoint.hpp>
#include <prefopt/train/training_options.hpp>

// What a run on several processes does besides adding up.

namespace prefopt::detail {

/// The options as a rank follows them: the first alone writes files and shows progress.
template <communicator Communicator>
training_options options_of_rank(training_options options, Communicator& ranks) {
  if (ranks.rank() == 0) return options;
  options.folder.clear();
  options.progress.style = progress_style::silent;
  return options;
}

/// What ranks agree on at the end of a step: whether any wants to stop, and the signal that came to
/// one of them, 0 if none did.
struct agreed_stop {
  bool asked = false;
  int signal = 0;
};

template <communicator Communicator>
agreed_stop agree_to_stop(Communicator& ranks, bool asked, int signal) {
  const double own[] = {asked ? 1.0 : 0.0, static_cast<double>(signal)};
  const std::vector<double> all = gathered(ranks, std::span<const double>(own));
  agreed_stop agreed;
  for (std::size_t r = 0; r < ranks.size(); ++r) {
    agreed.asked = agreed.asked || all[2 * r] != 0.0;
    agreed.signal = std::max(agreed.signal, static_cast<int>(all[2 * r + 1]));
  }
  agreed.asked = agreed.asked || agreed.signal != 0;
  return agreed;
}

/// Throws `usage_error` where a rank is about to train something else than the first one.
template <communicator Communicator>
void check_same(Communicator& ranks, const run_settings& settings) {
  const auto fail = [&](const std::string& name, const std::string& own, const std::string& first) {
    throw usage_error("rank " + std::to_string(ranks.rank()) + " differs from rank 0: its " + name +
                      " is " + own + ", expected " + first);
  };
  const std::size_t count = broadcast_value(ranks, settings.size());
  for (std::size_t i = 0; i < count; ++i) {
    const bool known = i < settings.size();
    const std::string name = broadcast_text(ranks, known ? settings[i].first : "");
    const std::string value = broadcast_text(ranks, known ? settings[i].second : "");
    if (!known || settings[i].first != name) fail(name, "not given", value);
    if (settings[i].second != value) fail(name, settings[i].second, value);
  }
  if (settings.size() > count) fail(settings[count].first, settings[count].second, "none");
}

/// Whose memory is spread over ranks; see `sharded`.
template <class Optimizer>
concept sharded_optimizer = optimizer<Optimizer> &&
    requires(Optimizer& o, std::span<const parameter> parameters) {
  { o.norm_of_shares(parameters) } -> std::same_as<double>;
};

/// The norm of the gradients' sum, of which each rank has its shares; an optimizer that is not
/// sharded gets the others'.
template <optimizer Optimizer, communicator Communicator>
double norm_of_sum(Communicator& ranks, std::span<const parameter> parameters,
                   Optimizer& optimizer) {
  if constexpr (sharded_optimizer<Optimizer>) {
    return optimizer.norm_of_shares(parameters);
  } else {
    for (const parameter& p : parameters) ranks.gather_shares(p.gradient);
    return gradient_norm_by(optimizer, parameters);
  }
}

/// Calls `save(optimizer)` on the first rank, with all of the optimizer's memory.
template <optimizer Optimizer, communicator Communicator, class Save>
void save_on_first(Communicator& ranks, std::span<const parameter> parameters, Optimizer& optimizer,
                   Save&& save) {
  if constexpr (sharded_optimizer<Optimizer>) {
    optimizer.save_whole(parameters, save);
  } else {
    if (ranks.rank() == 0) save(optimizer);
  }
}

/// Calls `load(optimizer)` on the first rank, which writes to the parameters and the optimizer's
/// memory, and gives both to the others.
template <optimizer Optimizer, communicator Communicator, class Load>
void load_on_first(Communicator& ranks, std::span<const parameter> parameters, Optimizer& optimizer,
                   Load&& load) {
  if constexpr (sharded_optimizer<Optimizer>) {
    optimizer.load_whole(parameters, load);
  } else {
    if (ranks.rank() == 0) load(optimizer);
    for (const optimizer_array& a : optimizer.state(parameters)) {
      ranks.broadcast(std::as_writable_bytes(a.value), 0);
    }
    optimizer.set_steps(broadcast_value(ranks, optimizer.steps()));
  }
  for (const parameter& p : parameters) ranks.broadcast(std::as_writable_bytes(p.value), 0);
}

}  // namespace prefopt::detail
