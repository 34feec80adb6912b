#pragma once

#include <prefopt/train/sgd.hpp>

#include <cstddef>

#include <prefopt/core/config.hpp>
#include <prefopt/core/error.hpp>

namespace prefopt {

PREFOPT_INLINE sgd::sgd(const sgd_options& options) : options_(options) {
  if (options.nesterov && !(options.momentum > 0.0)) {
    throw usage_error("sgd: nesterov needs a momentum above 0");
  }
}

PREFOPT_INLINE void sgd::step(std::span<const parameter> parameters, double rate, float scale) {
  const bool heavy = options_.momentum > 0.0;
  if (heavy) buffer_.prepare(parameters);
  ++steps_;
  const auto size = static_cast<float>(rate);
  const auto momentum = static_cast<float>(options_.momentum);
  detail::for_each_piece(parameters, [&](std::size_t p, std::size_t begin, std::size_t end) {
    float* const value = parameters[p].value.data();
    const float* const gradient = parameters[p].gradient.data();
    const auto decay = parameters[p].decays ? static_cast<float>(options_.weight_decay) : 0.0F;
    if (!heavy) {
      for (std::size_t i = begin; i < end; ++i) {
        value[i] -= size * (scale * gradient[i] + decay * value[i]);
      }
      return;
    }
    float* const b = buffer_[p].data();
    for (std::size_t i = begin; i < end; ++i) {
      const float g = scale * gradient[i] + decay * value[i];
      b[i] = momentum * b[i] + g;
      value[i] -= size * (options_.nesterov ? g + momentum * b[i] : b[i]);
    }
  });
}

PREFOPT_INLINE std::vector<optimizer_array> sgd::state(std::span<const parameter> parameters) {
  std::vector<optimizer_array> list;
  if (options_.momentum > 0.0) buffer_.append_to(list, parameters);
  return list;
}

PREFOPT_INLINE std::string sgd::describe() const {
  return "sgd" + detail::setting("momentum", options_.momentum) +
         detail::setting("nesterov", options_.nesterov ? 1.0 : 0.0) +
         detail::setting("weight_decay", options_.weight_decay);
}

}  // namespace prefopt
