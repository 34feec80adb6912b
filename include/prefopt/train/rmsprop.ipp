#pragma once

#include <prefopt/train/rmsprop.hpp>

namespace prefopt {

// The update by value and the arrays unaliased, so that the loops are vectorized.
PREFOPT_INLINE void rmsprop::update(const detail::rmsprop_update each, std::size_t count,
                                    float* __restrict value, const float* __restrict gradient,
                                    float* __restrict s) {
  for (std::size_t i = 0; i < count; ++i) each(value[i], gradient[i], s[i]);
}

PREFOPT_INLINE void rmsprop::update(const detail::rmsprop_update each, std::size_t count,
                                    float* __restrict value, const float* __restrict gradient,
                                    float* __restrict s, float* __restrict b) {
  for (std::size_t i = 0; i < count; ++i) each(value[i], gradient[i], s[i], b[i]);
}

PREFOPT_INLINE void rmsprop::step(std::span<const parameter> parameters, double rate, float scale) {
  square_.prepare(parameters);
  const bool heavy = options_.momentum > 0.0;
  if (heavy) buffer_.prepare(parameters);
  ++steps_;
  const detail::rmsprop_update decaying(options_, rate, scale, true);
  const detail::rmsprop_update still(options_, rate, scale, false);
  detail::for_each_piece(parameters, [&](std::size_t p, std::size_t begin, std::size_t end) {
    const detail::rmsprop_update& use = parameters[p].decays ? decaying : still;
    float* const value = parameters[p].value.data() + begin;
    const float* const gradient = parameters[p].gradient.data() + begin;
    float* const s = square_[p].data() + begin;
    if (heavy) {
      update(use, end - begin, value, gradient, s, buffer_[p].data() + begin);
    } else {
      update(use, end - begin, value, gradient, s);
    }
  });
}

PREFOPT_INLINE std::vector<optimizer_array> rmsprop::state(std::span<const parameter> parameters) {
  std::vector<optimizer_array> list;
  square_.append_to(list, parameters);
  if (options_.momentum > 0.0) buffer_.append_to(list, parameters);
  return list;
}

PREFOPT_INLINE std::string rmsprop::describe() const {
  return "rmsprop" + detail::setting("alpha", options_.alpha) +
         detail::setting("epsilon", options_.epsilon) +
         detail::setting("momentum", options_.momentum) +
         detail::setting("weight_decay", options_.weight_decay);
}

}  // namespace prefopt
