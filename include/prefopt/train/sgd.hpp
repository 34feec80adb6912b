#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <prefopt/model/language_model.hpp>
#include <prefopt/train/optimizer.hpp>

namespace prefopt {

/// Settings of `sgd`; the defaults are torch.optim.SGD's.
struct sgd_options {
  double momentum = 0.0;
  bool nesterov = false;      ///< needs momentum
  double weight_decay = 0.0;  ///< added to the gradient; not of parameters that do not decay
};

/// Gradient descent with momentum (Polyak 1964; Sutskever et al. 2013), as torch.optim.SGD:
///
///     g <- g + weight_decay * v
///     b <- momentum * b + g
///     v <- v - rate * b                      v <- v - rate * (g + momentum * b)  with Nesterov
class sgd {
 public:
  explicit sgd(const sgd_options& options = {});

  void step(std::span<const parameter> parameters, double rate, float scale = 1.0F);

  [[nodiscard]] std::vector<optimizer_array> state(std::span<const parameter> parameters);
  [[nodiscard]] std::uint64_t steps() const { return steps_; }
  void set_steps(std::uint64_t steps) { steps_ = steps; }
  [[nodiscard]] std::string describe() const;

 private:
  sgd_options options_;
  detail::optimizer_memory buffer_{"momentum"};
  std::uint64_t steps_ = 0;
};
static_assert(optimizer<sgd>);

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/train/sgd.ipp>
#endif
