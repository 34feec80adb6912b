#pragma once

#include <prefopt/train/adamw.hpp>

namespace prefopt {

// The update by value and the arrays unaliased, so that the loop is vectorized.
PREFOPT_INLINE void adamw::update(const detail::adamw_update each, std::size_t count,
                                  float* __restrict value, const float* __restrict gradient,
                                  float* __restrict m, float* __restrict s) {
  for (std::size_t i = 0; i < count; ++i) each(value[i], gradient[i], m[i], s[i]);
}

PREFOPT_INLINE void adamw::step(std::span<const parameter> parameters, double rate, float scale) {
  first_.prepare(parameters);
  second_.prepare(parameters);
  ++steps_;
  const detail::adamw_update decaying(options_, steps_, rate, scale, true);
  const detail::adamw_update still(options_, steps_, rate, scale, false);
  detail::for_each_piece(parameters, [&](std::size_t p, std::size_t begin, std::size_t end) {
    update(parameters[p].decays ? decaying : still, end - begin, parameters[p].value.data() + begin,
           parameters[p].gradient.data() + begin, first_[p].data() + begin,
           second_[p].data() + begin);
  });
}

PREFOPT_INLINE std::vector<optimizer_array> adamw::state(std::span<const parameter> parameters) {
  std::vector<optimizer_array> list;
  first_.append_to(list, parameters);
  second_.append_to(list, parameters);
  return list;
}

PREFOPT_INLINE std::string adamw::describe() const {
  return "adamw" + detail::setting("beta1", options_.beta1) +
         detail::setting("beta2", options_.beta2) + detail::setting("epsilon", options_.epsilon) +
         detail::setting("weight_decay", options_.weight_decay);
}

}  // namespace prefopt
