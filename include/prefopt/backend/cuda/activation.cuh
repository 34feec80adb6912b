#pragma once

#include <cstddef>

#include <prefopt/backend/cuda/device.cuh>
#include <prefopt/backend/cuda/elements.cuh>
#include <prefopt/backend/kinds.hpp>
#include <prefopt/backend/matrix_view.hpp>

namespace prefopt::gpu {

struct activation_value {
  float value;
  float slope;
};

/// sigmoid(x) from an exponential that cannot overflow.
__device__ inline float sigmoid(float x) {
  const float u = expf(-fabsf(x));
  const float ratio = 1.0F / (1.0F + u);
  return x < 0.0F ? u * ratio : ratio;
}

/// x sigmoid(x).
struct silu_activation {
  __device__ activation_value operator()(float x) const {
    const float s = sigmoid(x);
    return {x * s, s * (1.0F + x * (1.0F - s))};
  }
};

/// x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))), which is x sigmoid(2 sqrt(2/pi) (...)): GPT-2's.
struct gelu_tanh_activation {
  __device__ activation_value operator()(float x) const {
    constexpr float c = 1.5957691216057308F;  // 2 sqrt(2/pi)
    const float s = sigmoid(c * (x + 0.044715F * x * x * x));
    const float t = c * x * s * (1.0F - s);
    return {x * s, s + t + t * x * (0.134145F * x)};  // in this order 0 times x^2 is 0, never NaN
  }
};

/// x Phi(x), Phi the normal distribution.
struct gelu_activation {
  __device__ activation_value operator()(float x) const {
    const float phi = 0.5F * erfcf(-0.7071067811865476F * x);
    return {x * phi, phi + x * 0.3989422804014327F * expf(-0.5F * x * x)};
  }
};

/// max(x, 0); its slope at 0 is 0, as other frameworks have it.
struct relu_activation {
  __device__ activation_value operator()(float x) const {
    return x <= 0.0F ? activation_value{0.0F, 0.0F} : activation_value{x, x > 0.0F ? 1.0F : x};
  }
};

struct tanh_activation {
  __device__ activation_value operator()(float x) const {
    const float t = tanhf(x);
    return {t, 1.0F - t * t};
  }
};

/// Calls `use` with the activation's function object.
template <class Use>
void with_activation(activation_kind kind, Use use) {
  switch (kind) {
    case activation_kind::gelu_tanh:
      return use(gelu_tanh_activation{});
    case activation_kind::gelu:
      return use(gelu_activation{});
    case activation_kind::silu:
      return use(silu_activation{});
    case activation_kind::relu:
      return use(relu_activation{});
    case activation_kind::tanh:
      return use(tanh_activation{});
  }
}

template <class Activation>
struct activate_elements {
  const float* up;
  const float* gate;  // or null
  float* y;
  __device__ void operator()(std::size_t i) const {
    const Activation act{};
    y[i] = gate == nullptr ? act(up[i]).value : act(gate[i]).value * up[i];
  }
};

template <class Activation>
struct activate_gradients {
  const float* up;
  const float* gate;
  const float* dy;
  float* dup;  // may be dy
  float* dgate;
  __device__ void operator()(std::size_t i) const {
    const Activation act{};
    const float incoming = dy[i];
    if (gate == nullptr) {
      dup[i] = incoming * act(up[i]).slope;
      return;
    }
    const activation_value a = act(gate[i]);
    dgate[i] = incoming * up[i] * a.slope;
    dup[i] = incoming * a.value;
  }
};

/// y = act(up), or act(gate) * up where there is a gate; all (rows, hidden).
inline void activate(activation_kind kind, const_matrix_view up, const_matrix_view gate,
                     matrix_view y) {
  with_activation(kind, [&](auto act) {
    for_each_element(up.size(), activate_elements<decltype(act)>{up.data, gate.data, y.data});
  });
}

/// From dy, the gradients of up and, where there is a gate, of gate. `dup` may be dy.
inline void activate_backward(activation_kind kind, const_matrix_view up, const_matrix_view gate,
                              const_matrix_view dy, matrix_view dup, matrix_view dgate) {
  with_activation(kind, [&](auto act) {
    for_each_element(up.size(), activate_gradients<decltype(act)>{up.data, gate.data, dy.data,
                                                                  dup.data, dgate.data});
  });
}

}  // namespace prefopt::gpu
