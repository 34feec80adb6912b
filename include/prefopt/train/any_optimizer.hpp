#pragma once

#include <concepts>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <prefopt/model/language_model.hpp>
#include <prefopt/train/gradient_norm.hpp>
#include <prefopt/train/optimizer.hpp>

namespace prefopt {

/// Any optimizer behind one type: for programs that choose it, and the device that it works on, at
/// run time, so that a trainer is compiled once. It owns the optimizer.
class any_optimizer {
 public:
  template <optimizer Optimizer>
  requires(!std::same_as<Optimizer, any_optimizer>) any_optimizer(
      Optimizer held)  // NOLINT(google-explicit-constructor): it stands for any optimizer
      : held_(std::make_unique<holder<Optimizer>>(std::move(held))) {}

  any_optimizer(const any_optimizer& other) : held_(other.held_->copy()) {}
  any_optimizer(any_optimizer&&) noexcept = default;
  any_optimizer& operator=(any_optimizer other) noexcept {
    held_ = std::move(other.held_);
    return *this;
  }
  ~any_optimizer() = default;

  void step(std::span<const parameter> parameters, double rate, float scale = 1.0F) {
    held_->step(parameters, rate, scale);
  }
  [[nodiscard]] std::vector<optimizer_array> state(std::span<const parameter> parameters) {
    return held_->state(parameters);
  }
  [[nodiscard]] std::uint64_t steps() const { return held_->steps(); }
  void set_steps(std::uint64_t steps) { held_->set_steps(steps); }
  [[nodiscard]] std::string describe() const { return held_->describe(); }
  [[nodiscard]] double gradient_norm(std::span<const parameter> parameters) {
    return held_->gradient_norm(parameters);
  }

 private:
  struct interface {
    interface() = default;
    interface(const interface&) = delete;
    interface& operator=(const interface&) = delete;
    virtual ~interface() = default;
    [[nodiscard]] virtual std::unique_ptr<interface> copy() const = 0;
    virtual void step(std::span<const parameter>, double, float) = 0;
    virtual std::vector<optimizer_array> state(std::span<const parameter>) = 0;
    [[nodiscard]] virtual std::uint64_t steps() const = 0;
    virtual void set_steps(std::uint64_t) = 0;
    [[nodiscard]] virtual std::string describe() const = 0;
    virtual double gradient_norm(std::span<const parameter>) = 0;
  };

  template <class Optimizer>
  struct holder final : interface {
    explicit holder(Optimizer optimizer) : held(std::move(optimizer)) {}
    [[nodiscard]] std::unique_ptr<interface> copy() const override {
      return std::make_unique<holder>(held);
    }
    void step(std::span<const parameter> parameters, double rate, float scale) override {
      held.step(parameters, rate, scale);
    }
    std::vector<optimizer_array> state(std::span<const parameter> parameters) override {
      return held.state(parameters);
    }
    [[nodiscard]] std::uint64_t steps() const override { return held.steps(); }
    void set_steps(std::uint64_t steps) override { held.set_steps(steps); }
    [[nodiscard]] std::string describe() const override { return held.describe(); }
    double gradient_norm(std::span<const parameter> parameters) override {
      return gradient_norm_by(held, parameters);
    }
    Optimizer held;
  };

  std::unique_ptr<interface> held_;
};

static_assert(optimizer<any_optimizer>);

}  // namespace prefopt
