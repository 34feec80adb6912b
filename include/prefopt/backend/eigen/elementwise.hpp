#pragma once

#include <cmath>
#include <cstddef>
#include <span>

#include <prefopt/backend/eigen/threads.hpp>
#include <prefopt/backend/kinds.hpp>
#include <prefopt/backend/matrix_view.hpp>
#include <prefopt/core/math.hpp>
#include <prefopt/data/token.hpp>

namespace prefopt::detail {

struct activation_value {
  float value;
  float slope;
};

/// sigmoid(x) and its complement from one exponential.
inline float sigmoid(float x) {
  const float u = math::exp(x < 0.0F ? x : -x);
  const float ratio = 1.0F / (1.0F + u);
  return x < 0.0F ? u * ratio : ratio;
}

/// x sigmoid(x).
struct silu_activation {
  activation_value operator()(float x) const {
    const float s = sigmoid(x);
    return {x * s, s * (1.0F + x * (1.0F - s))};
  }
};

/// x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))), which is x sigmoid(2 sqrt(2/pi) (...)): GPT-2's.
struct gelu_tanh_activation {
  activation_value operator()(float x) const {
    constexpr float c = 1.5957691216057308F;  // 2 sqrt(2/pi)
    const float s = sigmoid(c * (x + 0.044715F * x * x * x));
    const float t = c * x * s * (1.0F - s);
    return {x * s, s + t + t * x * (0.134145F * x)};  // in this order 0 times x^2 is 0, never NaN
  }
};

/// x Phi(x), with Phi(-|x|) = P(t) exp(-x^2/2) / 2, t = 1 / (1 + p |x| / sqrt(2)), of Abramowitz
/// and Stegun 7.1.26: within 1e-7 of Phi, which is a float's rounding of it, and loops with it
/// vectorize. One exponential serves value and slope.
struct gelu_activation {
  activation_value operator()(float x) const {
    const float u = math::exp(-0.5F * x * x);
    const float t = 1.0F / (1.0F + 0.23164189F * (x < 0.0F ? -x : x));
    float p = 0.5307027145F;
    p = p * t - 0.7265760135F;
    p = p * t + 0.7107068705F;
    p = p * t - 0.142248368F;
    p = p * t + 0.127414796F;
    const float tail = p * t * u;
    const float phi = x < 0.0F ? tail : 1.0F - tail;
    return {x * phi, phi + x * 0.3989422804014327F * u};
  }
};

/// max(x, 0); its slope at 0 is 0, as other frameworks have it.
struct relu_activation {
  activation_value operator()(float x) const {
    return x <= 0.0F ? activation_value{0.0F, 0.0F} : activation_value{x, x > 0.0F ? 1.0F : x};
  }
};

struct tanh_activation {
  activation_value operator()(float x) const {
    const float t = std::tanh(x);
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

/// y = act(up), or act(gate) * up where there is a gate; all (rows, hidden).
inline void activate(activation_kind kind, const_matrix_view up, const_matrix_view gate,
                     matrix_view y) {
  with_activation(kind, [&](auto act) {
#pragma omp parallel for schedule(static) if (worth_threads(up.size()))
    for (std::size_t r = 0; r < up.rows; ++r) {
      const float* u = up.row(r);
      float* out = y.row(r);
      if (gate.data == nullptr) {
        for (std::size_t i = 0; i < up.columns; ++i) out[i] = act(u[i]).value;
      } else {
        const float* g = gate.row(r);
        for (std::size_t i = 0; i < up.columns; ++i) out[i] = act(g[i]).value * u[i];
      }
    }
  });
}

/// From dy, the gradients of up and, where there is a gate, of gate. `up_gradient` may be dy.
inline void activate_backward(activation_kind kind, const_matrix_view up, const_matrix_view gate,
                              const_matrix_view dy, matrix_view up_gradient,
                              matrix_view gate_gradient) {
  with_activation(kind, [&](auto act) {
#pragma omp parallel for schedule(static) if (worth_threads(up.size()))
    for (std::size_t r = 0; r < up.rows; ++r) {
      const float* u = up.row(r);
      const float* d = dy.row(r);
      float* du = up_gradient.row(r);
      if (gate.data == nullptr) {
        for (std::size_t i = 0; i < up.columns; ++i) du[i] = d[i] * act(u[i]).slope;
      } else {
        const float* g = gate.row(r);
        float* dg = gate_gradient.row(r);
        for (std::size_t i = 0; i < up.columns; ++i) {
          const activation_value a = act(g[i]);
          const float incoming = d[i];
          dg[i] = incoming * u[i] * a.slope;
          du[i] = incoming * a.value;
        }
      }
    }
  });
}

/// x += y.
inline void add(matrix_view x, const_matrix_view y) {
#pragma omp parallel for schedule(static) if (worth_threads(x.size()))
  for (std::size_t r = 0; r < x.rows; ++r) {
    float* to = x.row(r);
    const float* from = y.row(r);
    for (std::size_t i = 0; i < x.columns; ++i) to[i] += from[i];
  }
}

/// y[r] = table[tokens[r]] (+ positions_table[positions[r]] where there is one).
inline void embed(std::span<const token_id> tokens, std::span<const std::size_t> positions,
                  const_matrix_view table, const_matrix_view position_table, matrix_view y) {
#pragma omp parallel for schedule(static) if (worth_threads(y.size()))
  for (std::size_t r = 0; r < tokens.size(); ++r) {
    const float* from = table.row(static_cast<std::size_t>(tokens[r]));
    float* to = y.row(r);
    for (std::size_t i = 0; i < y.columns; ++i) to[i] = from[i];
    if (position_table.data == nullptr) continue;
    const float* shift = position_table.row(positions[r]);
    for (std::size_t i = 0; i < y.columns; ++i) to[i] += shift[i];
  }
}

/// The tables' gradients, where they are not empty, += dy's rows. Threads share out the columns: a
/// token may occur often.
inline void embed_backward(std::span<const token_id> tokens, std::span<const std::size_t> positions,
                           const_matrix_view dy, matrix_view table_gradient,
                           matrix_view position_gradient) {
  constexpr std::size_t block = 64;
#pragma omp parallel for schedule(static) if (worth_threads(dy.size()))
  for (std::size_t first = 0; first < dy.columns; first += block) {
    const std::size_t last = first + block < dy.columns ? first + block : dy.columns;
    for (std::size_t r = 0; r < tokens.size(); ++r) {
      const float* from = dy.row(r);
      if (table_gradient.data != nullptr) {
        float* to = table_gradient.row(static_cast<std::size_t>(tokens[r]));
        for (std::size_t i = first; i < last; ++i) to[i] += from[i];
      }
      if (position_gradient.data == nullptr) continue;
      float* shift = position_gradient.row(positions[r]);
      for (std::size_t i = first; i < last; ++i) shift[i] += from[i];
    }
  }
}

}  // namespace prefopt::detail
