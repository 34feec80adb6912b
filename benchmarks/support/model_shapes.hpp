#pragma once

#include <prefopt/model/transformer_config.hpp>

// Shapes of models that people know, for benchmarks on random weights.
namespace model_shapes {

inline prefopt::transformer_config gpt2_124m() {
  prefopt::transformer_config c;
  c.vocabulary = 50257;
  c.width = 768;
  c.layers = c.heads = c.kv_heads = 12;
  c.head_width = 64;
  c.hidden = 3072;
  c.max_positions = 1024;
  return c;
}

inline prefopt::transformer_config smollm2_135m() {
  prefopt::transformer_config c;
  c.vocabulary = 49152;
  c.width = 576;
  c.layers = 30;
  c.heads = 9;
  c.kv_heads = 3;
  c.head_width = 64;
  c.hidden = 1536;
  c.max_positions = 8192;
  c.norm = prefopt::norm_kind::rms;
  c.positions = prefopt::position_kind::rotary_half;
  c.rope_theta = 100000.0;
  c.activation = prefopt::activation_kind::silu;
  c.gated = true;
  c.qkv_bias = c.output_bias = c.feed_forward_bias = false;
  return c;
}

}  // namespace model_shapes
