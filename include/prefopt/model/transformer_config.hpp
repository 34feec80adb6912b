#pragma once

#include <cstddef>

#include <prefopt/backend/kinds.hpp>

namespace prefopt {

/// What tells one decoder from another. Read from a checkpoint's `config.json` (or a GGUF file's
/// metadata) at run time; `transformer<Backend>` is written once over these values.
struct transformer_config {
  using norm_kind = prefopt::norm_kind;
  using position_kind = prefopt::position_kind;
  using activation_kind = prefopt::activation_kind;

  std::size_t vocabulary = 0;  // V
  std::size_t width = 0;       // D: the residual stream
  std::size_t layers = 0;
  std::size_t heads = 0;       // query heads
  std::size_t kv_heads = 0;    // key/value heads; divides heads
  std::size_t head_width = 0;  // a head's width; heads * head_width need not equal width
  std::size_t hidden = 0;      // F: the feed-forward width
  std::size_t max_positions = 0;

  norm_kind norm = norm_kind::layer;
  double norm_epsilon = 1e-5;
  position_kind positions = position_kind::learned;
  double rope_theta = 10000.0;
  activation_kind activation = activation_kind::gelu_tanh;
  bool gated = false;          ///< feed-forward is down(act(gate(x)) * up(x))
  bool attention_bias = true;  ///< biases on query, key, value and output projections
  bool feed_forward_bias = true;
  bool tied_head = true;  ///< the head is the embedding, transposed

  friend bool operator==(const transformer_config&, const transformer_config&) = default;
};

}  // namespace prefopt
