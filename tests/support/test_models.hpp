#pragma once

#include <algorithm>
#include <cstdint>

#include <prefopt/model/eigen_transformer.hpp>

namespace prefopt::test {

/// GPT-2's kind of decoder, of odd shape.
inline transformer_config odd_gpt2() {
  transformer_config c;
  c.vocabulary = 61;
  c.width = 30;
  c.layers = 2;
  c.heads = c.kv_heads = 5;
  c.head_width = 6;
  c.hidden = 45;
  c.max_positions = 50;
  return c;
}

/// Llama's kind, with grouped key/value heads whose width is not width / heads, and a head of its
/// own.
inline transformer_config odd_llama() {
  transformer_config c = odd_gpt2();
  c.heads = 6;
  c.kv_heads = 2;
  c.head_width = 14;
  c.norm = norm_kind::rms;
  c.positions = position_kind::rotary_half;
  c.activation = activation_kind::silu;
  c.gated = true;
  c.qkv_bias = c.output_bias = c.feed_forward_bias = c.tied_head = false;
  return c;
}

/// A model with random weights, larger than `initialize` makes them, so that texts differ much.
inline eigen_transformer random_transformer(const transformer_config& config,
                                            std::uint64_t seed = 7) {
  eigen_transformer model(config);
  model.initialize(seed);
  for (const parameter& p : model.parameters()) {
    if (!p.decays) continue;
    for (float& value : p.value) value *= 8.0F;
  }
  model.parameters_changed();
  return model;
}

}  // namespace prefopt::test
