#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <prefopt/core/error.hpp>
#include <prefopt/model/language_model.hpp>

namespace prefopt {

/// One array of an optimizer's memory, as a checkpoint stores it. A view: the optimizer owns it.
struct optimizer_array {
  std::string name;  ///< "<what>.<parameter>", e.g. "first_moment.embedding.weight"
  std::span<float> value;
};

/// Changes parameters by their gradients.
///
/// 1. `optimizer.step(parameters, rate, scale)` makes one update of every value at learning rate
///    `rate` from its gradient times `scale` (the factor of clipping, 1 without it). This is the
///    defining operation. A model's parameters are the same ones, in the same order, each time.
/// 2. `optimizer.state(parameters)` gives every array that the next step depends on besides values
///    and gradients, zeros before the first step. Writing them and `set_steps` restores it exactly.
/// 3. `optimizer.steps()` is the number of updates made; `optimizer.set_steps(n)` sets it.
/// 4. `optimizer.describe()` names the kind and every setting: two optimizers that describe
///    themselves alike make the same update. A resumed run compares it.
template <class Optimizer>
concept optimizer = requires(Optimizer& o, std::span<const parameter> parameters, double rate,
                             float scale, std::uint64_t count) {
  o.step(parameters, rate, scale);
  { o.state(parameters) } -> std::same_as<std::vector<optimizer_array>>;
  { o.steps() } -> std::same_as<std::uint64_t>;
  o.set_steps(count);
  { o.describe() } -> std::same_as<std::string>;
};

/// The smallest optimizer: value -= rate * gradient. It remembers nothing but its steps.
class gradient_descent {
 public:
  void step(std::span<const parameter> parameters, double rate, float scale = 1.0F) {
    const float factor = static_cast<float>(rate);
    for (const parameter& p : parameters) {
      for (std::size_t i = 0; i < p.value.size(); ++i) {
        p.value[i] -= factor * (scale * p.gradient[i]);
      }
    }
    ++steps_;
  }
  [[nodiscard]] static std::vector<optimizer_array> state(std::span<const parameter>) { return {}; }
  [[nodiscard]] std::uint64_t steps() const { return steps_; }
  void set_steps(std::uint64_t steps) { steps_ = steps; }
  [[nodiscard]] static std::string describe() { return "gradient_descent"; }

 private:
  std::uint64_t steps_ = 0;
};
static_assert(optimizer<gradient_descent>);

namespace detail {

/// One float for every trained number, under one name: what optimizers remember. An `Array` of n
/// floats, made by `Array(n)`, reads as 0.
template <class Array>
class basic_optimizer_memory {
 public:
  explicit basic_optimizer_memory(std::string name) : name_(std::move(name)) {}

  /// Makes zeros at the first call; later ones check that the parameters are still the same.
  void prepare(std::span<const parameter> parameters) {
    if (arrays_.empty()) {
      for (const parameter& p : parameters) arrays_.emplace_back(p.value.size());
    }
    bool same = arrays_.size() == parameters.size();
    for (std::size_t i = 0; same && i < arrays_.size(); ++i) {
      same = arrays_[i].size() == parameters[i].value.size();
    }
    if (!same) throw usage_error("an optimizer was given the parameters of another model");
  }

  [[nodiscard]] std::span<float> operator[](std::size_t i) {
    return {arrays_[i].data(), arrays_[i].size()};
  }

  void append_to(std::vector<optimizer_array>& list, std::span<const parameter> parameters) {
    prepare(parameters);
    for (std::size_t i = 0; i < arrays_.size(); ++i) {
      list.push_back({name_ + "." + parameters[i].name, (*this)[i]});
    }
  }

 private:
  std::string name_;
  std::vector<Array> arrays_;
};
using optimizer_memory = basic_optimizer_memory<std::vector<float>>;

/// Calls f(parameter number, first element, last element) over pieces of all parameters, on all
/// threads. Elements are independent, so the result does not depend on how many there are.
template <class F>
void for_each_piece(std::span<const parameter> parameters, F&& f) {
  constexpr std::size_t piece = std::size_t{1} << 16U;
  for (std::size_t p = 0; p < parameters.size(); ++p) {
    const std::size_t size = parameters[p].value.size();
    const auto pieces = static_cast<std::ptrdiff_t>((size + piece - 1) / piece);
#ifdef _OPENMP
#pragma omp parallel for schedule(static) if (pieces > 1)
#endif
    for (std::ptrdiff_t i = 0; i < pieces; ++i) {
      const std::size_t first = static_cast<std::size_t>(i) * piece;
      f(p, first, first + piece < size ? first + piece : size);
    }
  }
}

/// A setting as `describe` prints it: enough digits to tell any two doubles apart.
inline std::string setting(const char* name, double value) {
  char text[64];
  std::snprintf(text, sizeof text, " %s=%.17g", name, value);
  return text;
}

}  // namespace detail

}  // namespace prefopt
