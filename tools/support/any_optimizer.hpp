#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <prefopt/train/adamw.hpp>
#include <prefopt/train/optimizer.hpp>
#include <prefopt/train/rmsprop.hpp>
#include <prefopt/train/sgd.hpp>

namespace tools {

/// An optimizer chosen at run time, so that a trainer is compiled once.
class any_optimizer {
 public:
  /// "adamw" with its weight decay, "rmsprop", "sgd".
  any_optimizer(const std::string& name, double weight_decay) {
    if (name == "rmsprop") {
      held_ = prefopt::rmsprop{};
    } else if (name == "sgd") {
      held_ = prefopt::sgd{};
    } else {
      held_ = prefopt::adamw{{.weight_decay = weight_decay}};
    }
  }

  void step(std::span<const prefopt::parameter> parameters, double rate, float scale) {
    std::visit([&](auto& held) { held.step(parameters, rate, scale); }, held_);
  }
  [[nodiscard]] std::vector<prefopt::optimizer_array> state(
      std::span<const prefopt::parameter> parameters) {
    return std::visit([&](auto& held) { return held.state(parameters); }, held_);
  }
  [[nodiscard]] std::uint64_t steps() const {
    return std::visit([](const auto& held) { return held.steps(); }, held_);
  }
  void set_steps(std::uint64_t steps) {
    std::visit([&](auto& held) { held.set_steps(steps); }, held_);
  }
  [[nodiscard]] std::string describe() const {
    return std::visit([](const auto& held) { return held.describe(); }, held_);
  }

 private:
  std::variant<prefopt::adamw, prefopt::rmsprop, prefopt::sgd> held_;
};

static_assert(prefopt::optimizer<any_optimizer>);

}  // namespace tools
